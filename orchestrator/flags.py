"""The settings as flags of each command, and which of them its help shows."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING

from orchestrator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_CONTAINED = ("sandbox_", "image_")
MATTER: dict[str, tuple[str, ...]] = {
    "prepare": ("dataset", *_CONTAINED),
    "datasets": ("datasets_dir", "dataset_seed"),
    "report": ("runs_dir", "datasets_dir"),
    "watch": ("watch_port", "runs_dir", "datasets_dir"),
    "predict": ("dataset_file_column", *_CONTAINED),
    "serve": ("serve_", *_CONTAINED),
    "export": ("datasets_dir", *_CONTAINED),
    "audit": ("datasets_dir", "weights_dir", *_CONTAINED),
    "reproduce": ("datasets_dir", "weights_dir", *_CONTAINED),
    "verify": ("datasets_dir",),
    "list": ("weights_dir",),
    "fetch": ("weights_",),
    "import": ("weights_dir", *_CONTAINED),
    "setup": _CONTAINED,
}
"""Beginnings of the settings that the help of a command shows. All others are taken, too; `run` shows every one."""

_SETTING = ""
"""What stands for the value of a setting in a help text, and tells a setting from a command's own flags."""


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    function: Callable[[argparse.Namespace, Settings], int],
    name: str,
    text: str,
    own: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """A command with a flag for every knob, but those for which it has flags of its own."""
    parser = commands.add_parser(name, help=text, description=sentence(text), formatter_class=_ShortUsage)
    parser.set_defaults(command=function)
    matter = MATTER.get(name, ("",))
    others = "" if name == "run" else "; those of `automodel run --help` that are not here are taken, too"
    settings = parser.add_argument_group("settings", f"each is an environment variable as well{others}")
    shown = (knob for knob in fields(Settings) if "secret" not in knob.metadata and knob.name not in own)
    for knob in shown:  # no secret: every user sees a command line
        default = f" (default: {knob.default})" if knob.default != "" else ""
        told = f"{knob.metadata['help']}{default}; {knob.name.upper()}".replace("%", "%%")
        settings.add_argument(
            f"--{knob.name.replace('_', '-')}",
            metavar=_SETTING,
            help=told if knob.name.startswith(matter) else argparse.SUPPRESS,
        )
    return parser


def sentence(text: str) -> str:
    """A command's line in the list of commands, as its description."""
    return f"{text[0].upper()}{text[1:]}."


def given_flags(given: argparse.Namespace) -> dict[str, str]:
    """The flags that were given, by field name."""
    flags = {knob.name: getattr(given, knob.name, None) for knob in fields(Settings)}
    if getattr(given, "path", None):
        flags["dataset"] = given.path
    return {name: value for name, value in flags.items() if value is not None}


class _ShortUsage(argparse.HelpFormatter):
    """The usage line without the settings, which would fill a screen."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, [action for action in actions if action.metavar != _SETTING], groups, prefix)
