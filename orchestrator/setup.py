"""The sandbox that the settings ask for, made usable: an image is built, the embedded sandbox's packages installed."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.custody import sandbox_identity
from orchestrator.errors import NoSandboxError, SettingsError
from orchestrator.extra import lacking
from orchestrator.growing import growing_folder
from sandbox import choose, image, probe
from sandbox.base import WEAK_NAMES, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

    from orchestrator.settings import Settings
    from sandbox.base import Sandbox

CHECKOUT = Path(__file__).parents[1]


def sandbox_choice(settings: Settings) -> choose.Choice:
    return choose.Choice(
        backend=settings.sandbox_backend,
        base=settings.image_base,
        gpus=settings.sandbox_gpus,
        runtime=settings.sandbox_runtime,
        accepted=accepted(settings),
    )


def accepted(settings: Settings) -> frozenset[str]:
    """What need not be enforced.

    Raises:
        SettingsError: a name is none of `sandbox.base.WEAK_NAMES`.
    """
    names = frozenset(filter(None, map(str.strip, settings.sandbox_allow_weak.split(","))))
    if unknown := sorted(names - {*WEAK_NAMES}):
        raise SettingsError(f"SANDBOX_ALLOW_WEAK has {unknown[0]!r}, which is none of {', '.join(WEAK_NAMES)}.")
    return names


def prove(settings: Settings, sandbox: Sandbox, beside: Path) -> tuple[str, ...]:
    """Names of the limits that do not hold here, all of them accepted; to be called before generated code runs.

    `beside`: a folder that the sandbox can read, for files that are gone afterwards.

    Raises:
        SandboxError: a limit does not hold, and was not accepted.
    """
    with growing_folder(beside) as folder:
        return probe.require(sandbox, folder / "probe", accepted(settings))


def open_sandbox(settings: Settings, tell: Callable[[str], None]) -> Sandbox:
    """Open it, and make it usable first: install the packages, or build the image, that it lacks.

    Raises:
        NoSandboxError: nothing here can contain generated code; the sentence says what to do.
        SettingsError: as for `site`, where an image must be built.
    """

    def build(client: DockerClient, recipe: image.Recipe) -> None:
        sources = site(settings)
        tell(f"Building the sandbox image {recipe.tag()}: once, some minutes.")
        image.build(client, recipe, sources, tell=lambda _: None)

    if missing := _missing_packages(settings):
        _install(missing, tell)
    try:
        return choose.open_sandbox(sandbox_choice(settings), build)
    except SandboxError as error:
        raise NoSandboxError(f"{error} `automodel doctor` tells what was found.") from None


def identify(settings: Settings, backend: str) -> str:
    """What the jobs of a sandbox of this name would run in now, or why it cannot be known; nothing is built for it."""
    try:
        with closing(choose.open_sandbox(replace(sandbox_choice(settings), backend=backend))) as sandbox:
            return sandbox_identity(sandbox.describe())
    except SandboxError as error:
        return f"unknown ({error})"


def _missing_packages(settings: Settings) -> list[str]:
    """What the embedded sandbox lacks, if it will be that one."""
    if settings.sandbox_backend == "docker" or not (missing := lacking()):
        return []
    embedded = settings.sandbox_backend == "bubblewrap" or choose.survey(sandbox_choice(settings)).backend != "docker"
    return missing if embedded else []


def _install(missing: list[str], tell: Callable[[str], None]) -> None:
    named = ", ".join(missing)
    if not (CHECKOUT / "pyproject.toml").exists():
        raise NoSandboxError(
            f"No container engine is used, and {named} must be there: pip install 'automodel[harness]'."
        )
    tell(
        "No container engine is used: installing torch and what else the embedded sandbox needs, once: up to 6 GB, "
        f"minutes, a quarter of an hour where disk or line are slow ({named})."
    )
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--editable", f"{CHECKOUT}[harness]"]
    if finish(install, tell):
        raise NoSandboxError("pip could not install the extra `harness`: its lines above say why.")
    importlib.invalidate_caches()


def finish(command: list[str], tell: Callable[[str], None], *, every: float = 60) -> int:
    """Run a command that says nothing for long, and tell every so many seconds that it goes on; its exit status."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=sys.stderr) as process:  # stdout may be read by a program
        while True:
            try:
                return process.wait(every)
            except subprocess.TimeoutExpired:
                tell(f"Still installing: {(time.monotonic() - began) / 60:.0f} min so far.")
            except BaseException:
                process.terminate()
                raise


def site(settings: Settings) -> image.Site:
    """Where the image is built from.

    Raises:
        SettingsError: a file or folder that a setting names is not there.
    """
    if settings.image_wheels and not Path(settings.image_wheels).is_dir():
        raise SettingsError(f"IMAGE_WHEELS is {settings.image_wheels!r}, which is no folder.")
    if settings.image_ca and not Path(settings.image_ca).is_file():
        raise SettingsError(f"IMAGE_CA is {settings.image_ca!r}, which is no file.")
    return image.Site(
        wheels=Path(settings.image_wheels) if settings.image_wheels else None,
        index_url=settings.image_index,
        extra_index_url=settings.image_extra_index,
        ca=Path(settings.image_ca) if settings.image_ca else None,
        network=settings.image_network or None,
    )
