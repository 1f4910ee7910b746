"""`automodel doctor` says yes exactly where `run` would find a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from typing import TYPE_CHECKING

import pytest

from sandbox.base import SandboxError
from sandbox.bubblewrap import bubblewrap_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOUND = {"MemoryLimit": True, "SwapLimit": True, "PidsLimit": True, "CpuCfsQuota": True, "SecurityOptions": ["seccomp"]}


@contextmanager
def engine(socket: Path, **info: object) -> Iterator[str]:
    """An engine that says this of itself, has no image, and does nothing; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            facts = {"version": {"ApiVersion": "1.45", "MinAPIVersion": "1.24", "Version": "9"}, "info": info}
            what = self.path.rpartition("/")[2]
            body = json.dumps(facts.get(what, {"message": "No such image"})).encode()
            self.send_response(404 if what == "json" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the server's name for it

        def address_string(self) -> str:
            return "a test"

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingUnixStreamServer(str(socket), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{socket}"
        server.shutdown()


def doctor(**knobs: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", "doctor"],
        env={**os.environ, "COLUMNS": "300", **knobs},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_engine_that_can_contain_jobs_will_do(tmp_path: Path) -> None:
    with engine(tmp_path / "engine", **SOUND) as address:
        done = doctor(SANDBOX_BACKEND="docker", DOCKER_HOST=address)

    assert done.returncode == 0, done.stderr
    assert "Docker 9" in done.stdout


def test_an_engine_that_would_ignore_limits_will_do_only_where_that_is_accepted(tmp_path: Path) -> None:
    with engine(tmp_path / "engine", **SOUND | {"SwapLimit": False}) as address:
        done = doctor(SANDBOX_BACKEND="docker", DOCKER_HOST=address)
        accepted = doctor(SANDBOX_BACKEND="docker", DOCKER_HOST=address, SANDBOX_ALLOW_WEAK="swap")
        unknown = doctor(SANDBOX_BACKEND="docker", DOCKER_HOST=address, SANDBOX_ALLOW_WEAK="everything")

    assert done.returncode == 4
    assert "cannot limit swap" in done.stdout
    assert accepted.returncode == 0
    assert unknown.returncode == 2
    assert "SANDBOX_ALLOW_WEAK has 'everything'" in unknown.stderr


def test_no_engine_will_not_do_where_docker_is_asked_for() -> None:
    done = doctor(SANDBOX_BACKEND="docker", DOCKER_HOST="unix:///nowhere.sock")

    assert done.returncode == 4
    assert "with SANDBOX_BACKEND=docker" in done.stderr


def test_bubblewrap_without_a_system_call_filter_will_not_do(tmp_path: Path) -> None:
    try:
        bubblewrap_version()
    except SandboxError as error:
        pytest.skip(str(error))
    (tmp_path / "pyseccomp.py").write_text("raise ImportError('no libseccomp')")

    done = doctor(SANDBOX_BACKEND="bubblewrap", PYTHONPATH=str(tmp_path))

    assert done.returncode == 4
    assert "No system call filter without libseccomp" in done.stdout
