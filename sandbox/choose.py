"""Which sandbox: Docker if an engine answers, else bubblewrap if it can start here, else a clear refusal."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox import bubblewrap, engine, image
from sandbox.base import SandboxError
from sandbox.bubblewrap import BubblewrapSandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

    from sandbox.base import Sandbox


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a user may ask for."""

    backend: str = "auto"
    """`auto`, `docker` or `bubblewrap`."""
    image: str = ""
    """An image instead of the one that this checkout describes."""
    base: str = ""
    """What that one is built on, where it is not `image.BASE`."""
    gpus: str = "auto"
    """`auto` (all, if the engine has some), `none`, `all`, or device ids with commas."""
    runtime: str = ""
    """A container runtime by name (`runsc`); empty for the engine's own."""
    accepted: frozenset[str] = frozenset()
    """Names of what need not be enforced: of `base.WEAK_NAMES`."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What this machine offers. Texts say what is there, or in a sentence why it is not."""

    engine: str
    image: str
    image_present: bool
    gpus: str
    bubblewrap: str
    backend: str | None
    """What `open_sandbox` takes for this choice; None where it refuses."""


def open_sandbox(
    choice: Choice, on_missing_image: Callable[[DockerClient, image.Recipe], None] | None = None
) -> Sandbox:
    """Open the sandbox that was asked for; `on_missing_image` may build the image.

    Raises:
        SandboxError: it cannot be had here; the sentence says what to do.
    """
    if choice.backend not in {"auto", "docker", "bubblewrap"}:
        raise SandboxError(f"There is no sandbox {choice.backend!r}: choose auto, docker or bubblewrap.")
    if choice.backend == "bubblewrap":
        return _bubblewrap()
    try:
        client = _engine(choice)
    except SandboxError as no_engine:
        if choice.backend == "docker":
            raise
        try:
            return _bubblewrap()
        except SandboxError as no_bubblewrap:
            raise SandboxError(f"Nothing here can contain generated code. {no_engine} Or: {no_bubblewrap}") from None
    return _docker(client, choice, on_missing_image)


def survey(choice: Choice) -> Survey:
    """Look at this machine, as `open_sandbox` does; nothing is started, built or raised."""
    tag, there, gpus, usable = "", False, "", []
    try:
        with closing(_engine(choice)) as client:
            gpus = _gpus(client, choice)
            name, tag = engine.describe(client), _tag(choice, gpus)
            there = image.present(client, tag)
            usable.append("docker")
    except SandboxError as error:
        name = str(error)
    try:
        embedded = bubblewrap.check()
        usable.append("bubblewrap")
    except SandboxError as error:
        embedded = str(error)
    backend = next((backend for backend in usable if choice.backend in {"auto", backend}), None)
    return Survey(engine=name, image=tag, image_present=there, gpus=gpus, bubblewrap=embedded, backend=backend)


def _engine(choice: Choice) -> DockerClient:
    """An engine that can contain a job."""
    client = engine.connect()
    try:
        engine.check(client, choice.accepted)
    except SandboxError:
        client.close()
        raise
    return client


def _docker(
    client: DockerClient, choice: Choice, on_missing_image: Callable[[DockerClient, image.Recipe], None] | None
) -> Sandbox:
    from sandbox.docker import DockerSandbox

    gpus = _gpus(client, choice)
    tag = _tag(choice, gpus)
    if not image.present(client, tag):
        if choice.image or on_missing_image is None:
            raise SandboxError(f"The image {tag} is not there: build it with `make image`.")
        on_missing_image(client, image.recipe(gpu=bool(gpus), base=choice.base))
    here = client.api.base_url.startswith("http+docker")  # a Unix socket
    devices = engine.devices(client.info(), gpus, engine.DRIVERS if here else None)
    return DockerSandbox(
        tag, gpus=gpus, devices=devices, runtime=choice.runtime, accepted=choice.accepted, client=client
    )


def _gpus(client: DockerClient, choice: Choice) -> str:
    if choice.gpus == "auto":
        return engine.gpus(client.info())
    return "" if choice.gpus == "none" else choice.gpus


def _tag(choice: Choice, gpus: str) -> str:
    return choice.image or image.recipe(gpu=bool(gpus), base=choice.base).tag()


def _bubblewrap() -> Sandbox:
    bubblewrap.check()
    return BubblewrapSandbox()
