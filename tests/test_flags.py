"""What the help of a command shows, and what it takes."""

from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

from orchestrator.flags import MATTER, add_command, given_flags
from orchestrator.settings import Settings


def command(name: str) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """A program with this one command, and the command's own parser."""
    program = argparse.ArgumentParser(prog="automodel")
    own = add_command(program.add_subparsers(), lambda _given, _settings: 0, name, "ask POST /predict of a run")
    own.add_argument("run", metavar="RUN")
    own.add_argument("--top", metavar="K", help="so many classes")
    return program, own


def test_the_usage_line_names_what_a_command_takes_and_no_setting() -> None:
    assert command("run")[1].format_usage() == "usage: automodel run [-h] [--top K] RUN\n"


def test_the_help_of_run_shows_every_setting_that_is_no_secret() -> None:
    shown = command("run")[1].format_help()

    assert all(knob.name.upper() in shown for knob in fields(Settings) if "secret" not in knob.metadata)


def test_the_help_of_another_command_shows_the_settings_that_matter_for_it() -> None:
    shown = command("verify")[1].format_help()

    assert "DATASETS_DIR" in shown
    assert "RUN_ITERATIONS" not in shown
    assert shown.index("--top") < shown.index("--datasets-dir")


def test_a_setting_that_is_not_shown_is_taken_all_the_same() -> None:
    given = command("verify")[0].parse_args(["verify", "runs/a", "--run-iterations", "5"])

    assert given_flags(given) == {"run_iterations": "5"}


def test_names_in_a_description_keep_their_capitals() -> None:
    assert command("serve")[1].description == "Ask POST /predict of a run."


@pytest.mark.parametrize("beginning", sorted({each for matter in MATTER.values() for each in matter}))
def test_each_beginning_is_that_of_a_setting(beginning: str) -> None:
    assert any(knob.name.startswith(beginning) for knob in fields(Settings))
