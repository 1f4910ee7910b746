"""The sandbox that the settings ask for, made usable: an image is built, the embedded sandbox's packages installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import NoSandboxError
from sandbox import choose, image
from sandbox.base import SandboxError

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
    )


def open_sandbox(settings: Settings, tell: Callable[[str], None]) -> Sandbox:
    """Open it, and make it usable first: install the packages, or build the image, that it lacks.

    Raises:
        NoSandboxError: nothing here can contain generated code; the sentence says what to do.
    """

    def build(client: DockerClient, recipe: image.Recipe) -> None:
        tell(f"Building the sandbox image {recipe.tag()}: once, some minutes.")
        image.build(client, recipe, site(settings), tell=lambda _: None)

    if _lacks_packages(settings):
        _install(tell)
    try:
        return choose.open_sandbox(sandbox_choice(settings), build)
    except SandboxError as error:
        raise NoSandboxError(f"{error} `automodel doctor` tells what was found.") from None


def _lacks_packages(settings: Settings) -> bool:
    """Whether it will be the embedded sandbox, and torch is not there."""
    if settings.sandbox_backend == "docker" or importlib.util.find_spec("torch"):
        return False
    return settings.sandbox_backend == "bubblewrap" or choose.survey(sandbox_choice(settings)).backend != "docker"


def _install(tell: Callable[[str], None]) -> None:
    if not (CHECKOUT / "pyproject.toml").exists():
        raise NoSandboxError("No engine answers, and torch is not installed: pip install 'automodel[harness]'.")
    tell("No container engine is used: installing torch for the embedded sandbox, once, some minutes and 6 GB.")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--editable", f"{CHECKOUT}[harness]"]
    if subprocess.run(install, check=False).returncode:
        raise NoSandboxError("pip could not install the extra `harness`: its lines above say why.")
    importlib.invalidate_caches()


def site(settings: Settings) -> image.Site:
    return image.Site(
        wheels=Path(settings.image_wheels) if settings.image_wheels else None,
        index_url=settings.image_index,
        extra_index_url=settings.image_extra_index,
        ca=Path(settings.image_ca) if settings.image_ca else None,
        network=settings.image_network or None,
    )
