"""Real sandboxes for the tests that need one; where the machine has none, those tests say so and are skipped."""

from __future__ import annotations

import signal
from contextlib import closing
from typing import TYPE_CHECKING

import hypothesis
import pytest

from sandbox import engine, image
from sandbox.base import SandboxError
from sandbox.bubblewrap import BubblewrapSandbox, bubblewrap_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

    from sandbox.docker import DockerSandbox

# A shell that starts the tests in the background has them ignore Ctrl-C, `nohup` a closed terminal, and so would every
# program that they start; a signal that is handled here is not ignored there.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, lambda *_: None)
hypothesis.settings.register_profile("untimed", deadline=None)  # how fast is no property
hypothesis.settings.load_profile("untimed")

BASES = (image.BASE, "automodel-base")
"""What an image without torch is built on; `.ci/base-image` makes the second where no registry can be reached."""


class Failures:
    """Told as they happen: whoever stops the tests before their end has learnt of them."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            writer = self.config.get_terminal_writer()
            writer.line(f"\n{report.nodeid}: {report.longreprtext[-1000:]}")
            writer.flush()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # xdist's own processes have nobody to tell
        config.pluginmanager.register(Failures(config))


@pytest.fixture(scope="session")
def bare_image() -> str:
    """An image with a Python and nothing else: 15 s to build, once a machine."""
    try:
        client = engine.connect()
    except SandboxError as error:
        pytest.skip(str(error))
    with closing(client):
        base = next((base for base in BASES if image.present(client, base)), "") or _pull(client)
        recipe = image.Recipe(variant="bare", requirements=(), base=base)
        return recipe.tag() if image.present(client, recipe.tag()) else image.build(client, recipe)


def _pull(client: DockerClient) -> str:
    """The first base, from its registry: 45 MB, once a machine."""
    from docker.errors import DockerException  # noqa: PLC0415 - the SDK is needed here alone

    try:
        client.images.pull(*BASES[0].split(":"))
    except (DockerException, OSError) as error:  # OSError: requests' own, where the engine is silent for too long
        pytest.skip(f"{BASES[0]} cannot be pulled ({str(error).splitlines()[0][:200]}): pull it, or run .ci/base-image")
    return BASES[0]


@pytest.fixture
def docker(bare_image: str) -> Iterator[DockerSandbox]:
    from sandbox.docker import DockerSandbox  # noqa: PLC0415 - the SDK is needed here alone

    with closing(DockerSandbox(bare_image)) as sandbox:
        yield sandbox


@pytest.fixture
def bubblewrap() -> Iterator[BubblewrapSandbox]:
    try:
        bubblewrap_version()
    except SandboxError as error:
        pytest.skip(str(error))
    with closing(BubblewrapSandbox()) as sandbox:
        yield sandbox
