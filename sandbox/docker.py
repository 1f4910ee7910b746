"""One hardened container for every job, on Docker or on an engine that speaks its API."""

from __future__ import annotations

import contextlib
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker.errors
import requests.exceptions

from sandbox import engine, owner
from sandbox.base import SandboxError
from sandbox.hardening import LABEL, OWNER, container_arguments, dropped
from sandbox.running import Attendance, Remains

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from docker import DockerClient
    from docker.models.containers import Container
    from docker.types import CancellableStream

    from harness.report import Event
    from sandbox.base import Job, Weakness
    from sandbox.running import Attended

# A time-out of the unix socket comes as either of these (docker-py#1966).
BUSY = (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError)
ENGINE_ERRORS = (docker.errors.DockerException, *BUSY)
GONE_OR_ENDED = (404, 409)


class DockerSandbox:
    """Implements `sandbox.base.Sandbox`.

    Args:
        image: A tag or id that the engine has; `image.py` builds it.
        gpus: What jobs with `gpu` get: `all`, ids with commas, CDI names; empty for none.
        devices: The same GPUs, one by one, where they are known.
        runtime: Another runtime than the engine's own: `runsc`.
        accepted: Names of what need not be enforced: of `base.WEAK_NAMES`.
        client: The engine; the one of the environment by default.
    """

    name = "docker"

    def __init__(  # noqa: PLR0913 - what a site may choose, each by name
        self,
        image: str,
        *,
        gpus: str = "",
        devices: Sequence[str] = (),
        runtime: str = "",
        accepted: Collection[str] = (),
        client: DockerClient | None = None,
    ) -> None:
        self.gpu = bool(gpus)
        self.devices = devices
        self._image = image
        self._gpus = gpus
        self._runtime = runtime
        self._accepted = accepted
        self._client = client or engine.connect()
        engine.check(self._client, accepted)
        self._podman = engine.is_podman(self._client.version())
        self._seccomp = engine.seccomp_argument(podman=self._podman)
        self._jobs = Attendance(self._begin)
        reap(self._client)

    def start(self, job: Job, on_event: Callable[[Event], None] | None = None) -> Attended:
        return self._jobs.start(job, on_event)

    def describe(self) -> dict[str, str]:
        try:
            image = self._client.images.get(self._image)
            return {"engine": engine.describe(self._client), "image": self._image, "image_id": str(image.id)}
        except ENGINE_ERRORS as error:
            raise SandboxError(f"The engine does not tell of {self._image}: {_sentence(error)}") from error

    def weaknesses(self) -> Sequence[Weakness]:
        """What the engine says; what it drops in silence is seen at each container."""
        return engine.weaknesses(self._client.info(), podman=self._podman)

    def close(self) -> None:
        try:
            self._jobs.close()
        finally:
            self._client.close()
            if self._podman:
                Path(self._seccomp).unlink(missing_ok=True)

    def _begin(self, job: Job) -> DockerContainer:
        gpus = (job.device or self._gpus) if job.gpu else ""
        arguments = container_arguments(job, seccomp=self._seccomp, gpus=gpus, podman=self._podman)
        name = f"automodel-{job.name}-{uuid.uuid4().hex[:12]}"
        runtime = {"runtime": self._runtime} if self._runtime else {}
        try:
            container = self._client.containers.create(self._image, name=name, **arguments, **runtime)
            self._compare(container, arguments)
            return _begin(container)
        except docker.errors.ImageNotFound:
            raise SandboxError(f"The image {self._image} is not there: build it with `make image`.") from None
        except ENGINE_ERRORS as error:
            raise SandboxError(f"The engine cannot start {job.name}: {_sentence(error)}") from error

    def _compare(self, container: Container, arguments: dict[str, Any]) -> None:
        """Refuse a container that the engine made otherwise than it was asked to."""
        lost = [name for name in dropped(arguments, container.attrs["HostConfig"]) if name not in self._accepted]
        if lost:
            remove(container)
            raise SandboxError(
                f"The engine dropped the limits of {', '.join(lost)} from {container.name}: take another engine, or "
                f"the risk with SANDBOX_ALLOW_WEAK={','.join(lost)}."
            )


class DockerContainer:
    """Implements `sandbox.running.Container`."""

    def __init__(self, container: Container, stream: CancellableStream) -> None:
        self._container = container
        self._stream = stream

    def chunks(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        try:
            yield from self._stream
        except (OSError, *ENGINE_ERRORS):
            return  # hung up, or the engine went away: `remove` finds out

    def kill(self) -> None:
        for _ in range(3):
            try:
                self._container.kill()
            except BUSY:
                self.hang_up()  # an unread stream wedges kill, inspect and remove (moby#41827)
            except docker.errors.APIError as error:
                if error.status_code not in GONE_OR_ENDED:
                    raise
                return
            else:
                return

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            self._stream.close()

    def remove(self) -> Remains:
        try:
            self._container.wait(timeout=10)
            state = self._attributes()["State"]
        except ENGINE_ERRORS as error:
            raise SandboxError(f"{self._container.name} does not end: {_sentence(error)}") from error
        finally:
            self.hang_up()
            self._stream._response.close()  # noqa: SLF001 - or the socket stays open until it is garbage
            remove(self._container)
        return Remains(status=int(state["ExitCode"]), oom=bool(state["OOMKilled"]))

    def _attributes(self) -> dict[str, Any]:
        self._container.reload()
        return dict(self._container.attrs)


def _begin(container: Container) -> DockerContainer:
    """Attach, then start: what is printed before an attach is lost when no log driver keeps it."""
    try:
        stream = container.attach(stdout=True, stderr=True, stream=True, logs=False, demux=True)
        container.start()
    except ENGINE_ERRORS:
        remove(container)
        raise
    return DockerContainer(container, stream)


def remove(container: Container) -> None:
    """Remove a container for sure, running or not.

    Raises:
        SandboxError: the engine refuses.
    """
    for attempt in range(6):
        try:
            container.remove(force=True)
        except docker.errors.NotFound:
            return
        except BUSY:
            continue
        except docker.errors.APIError as error:
            if error.status_code != 409:  # 409: somebody's removal is in progress
                raise SandboxError(f"{container.name} cannot be removed: {_sentence(error)}") from error
            time.sleep(0.1 * 2**attempt)
        else:
            return
    raise SandboxError(f"{container.name} cannot be removed; try `docker rm --force {container.name}`.")


def reap(client: DockerClient) -> int:
    """Remove containers of ours whose owner died; return how many."""
    removed = 0
    for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
        if not owner.alive(container.labels.get(OWNER, "")):
            remove(container)
            removed += 1
    return removed


def _sentence(error: Exception) -> str:
    text = getattr(error, "explanation", None) or str(error)
    return f"{text.strip().splitlines()[0][:300].rstrip('.')}."
