"""How long it takes to end a job that does not want to end, and to clear up after a host that was killed."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.settings import read_settings
from orchestrator.setup import sandbox_choice
from sandbox import choose
from sandbox.base import MIB, Job, Limits, SandboxError
from tests.bench.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.base import Sandbox
    from tests.bench.sizes import Sizes

PROGRAMS = {
    "sleeps": "import time; time.sleep(600)",
    "ignores signals": "import signal\nfor n in range(1, 32):\n  try: signal.signal(n, signal.SIG_IGN)\n"
    "  except (OSError, ValueError): pass\nwhile True: pass",
    "has 40 busy processes": "import os\nfor _ in range(40):\n  if os.fork() == 0: break\nwhile True: pass",
    "holds 200 MB of files": "open('/job/out/f', 'wb').write(bytes(200 << 20))\nwhile True: pass",
    "prints newlines": "import os\nwhile True: os.write(2, b'\\n' * 64)",
}
LIMITS = Limits(seconds=600, memory=1024 * MIB, log=1 << 40)
BUSY_SECONDS = 1.5
"""Until it does what it is for."""
SECOND = 1.0
ORPHAN = """
import os, sys
from pathlib import Path
from tests.bench.killing import make_job
from orchestrator.settings import read_settings
from orchestrator.setup import sandbox_choice
from sandbox import choose
from dataclasses import replace
sandbox = choose.open_sandbox(replace(sandbox_choice(read_settings({})), backend=sys.argv[1]))
sandbox.start(make_job(Path(sys.argv[2]), "import time; time.sleep(600)"))
os.kill(os.getpid(), 9)
"""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure | str]:
    for backend in ("docker", "bubblewrap"):
        choice = replace(sandbox_choice(read_settings({})), backend=backend)
        try:
            sandbox = choose.open_sandbox(choice)
        except SandboxError as error:
            yield f"  {backend}: {error}"
            continue
        with closing(sandbox):
            for what, code in PROGRAMS.items():
                values = tuple(_kill(sandbox, folder / f"{backend}-{what}-{n}", code) for n in range(sizes.attempts))
                yield Figure(name=f"{backend}: kill a job that {what}", values=values, unit="s", at_most=SECOND)
        values = tuple(_reap(choice, folder / f"{backend}-orphan-{n}") for n in range(sizes.attempts))
        yield Figure(name=f"{backend}: next start, a killed host's job gone", values=values, unit="s", at_most=SECOND)


def make_job(folder: Path, code: str) -> Job:
    """A job that runs this program."""
    for name in ("input", "output"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o755)
    return Job(name="bench", arguments=("-c", code), input=folder / "input", output=folder / "output", limits=LIMITS)


def _kill(sandbox: Sandbox, folder: Path, code: str) -> float:
    running = sandbox.start(make_job(folder, code))
    running.go()
    time.sleep(BUSY_SECONDS)
    began = time.perf_counter()
    running.kill()
    return time.perf_counter() - began


def _reap(choice: choose.Choice, folder: Path) -> float:
    """What the next one takes to open the sandbox, with everything of a killed one gone."""
    subprocess.run([sys.executable, "-c", ORPHAN, choice.backend, str(folder)], check=False)
    began = time.perf_counter()
    choose.open_sandbox(choice).close()
    return time.perf_counter() - began
