"""Whatever a container does, the process that runs it stays small: each attack in a host process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MOST = 200 << 20
HOST = """
import sys
from pathlib import Path
from sandbox.base import MIB, Job, Limits
folder, backend, image, code = Path(sys.argv[1]), *sys.argv[2:]
for name in ("input", "output"):
    (folder / name).mkdir()
    (folder / name).chmod(0o755)
limits = Limits(seconds=120, memory=4096 * MIB, output=3072 * MIB, files=1_100_000, log=64 * MIB)
job = Job(name="test", arguments=("-c", code), input=folder / "input", output=folder / "output", limits=limits,
          wanted={"f": 2048 * MIB})
if backend == "docker":
    from sandbox.docker import DockerSandbox
    sandbox = DockerSandbox(image)
else:
    from sandbox.bubblewrap import BubblewrapSandbox
    sandbox = BubblewrapSandbox()
running = sandbox.start(job)
running.go()
ended = running.wait()
sandbox.close()
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) << 10
print(ended.verdict, sum(path.stat().st_size for path in ended.files.values()), len(ended.refused), peak)
"""
ATTACKS = {
    "prints lines": ("while True: print('x' * 65000)", "log overflow"),
    "prints newlines": ("import os\nwhile True: os.write(2, b'\\n' * 4096)", "log overflow"),
    "prints one line": ("import os\nwhile True: os.write(2, b'x' * 65536)", "log overflow"),
    "leaves 2 GB": ("import os\nos.truncate(os.open('/job/out/f', os.O_CREAT | os.O_RDWR), 2 << 30)", "finished"),
    "leaves a million files": (
        "import os\nfor n in range(1_000_000): os.close(os.open(f'/job/out/{n}', os.O_CREAT))",
        "finished",
    ),
    "tells a million events": (
        "f = open('/job/out/events.jsonl', 'w')\nfor n in range(1_000_000): f.write('{\"kind\": \"phase\"}\\n')",
        "finished",
    ),
}


@pytest.mark.parametrize("backend", [pytest.param(n, marks=getattr(pytest.mark, n)) for n in ("docker", "bubblewrap")])
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_host_stays_small(request: pytest.FixtureRequest, tmp_path: Path, backend: str, attack: str) -> None:
    request.getfixturevalue(backend)  # skips where there is none
    image = request.getfixturevalue("bare_image") if backend == "docker" else ""
    code, verdict = ATTACKS[attack]

    host = subprocess.run(
        [sys.executable, "-c", HOST, str(tmp_path), backend, image, code], capture_output=True, text=True, check=False
    )

    assert host.returncode == 0, host.stderr
    *ended, size, refused, peak = host.stdout.split()
    assert " ".join(ended) == verdict
    assert int(size) == (2 << 30 if attack == "leaves 2 GB" else 0) or attack == "tells a million events"
    assert int(refused) <= 21
    assert int(peak) < MOST
    (tmp_path / "output" / "f").unlink(missing_ok=True)
