"""PID 1 of every sandbox: it starts the program, outlives it, and is the only one that talks to the host.

Run as `python -I -S pid1.py ORDERS PROGRAM...` with the standard library alone. The program shares its user, its files
and its stderr, but not its stdout: that pipe carries frames to the host, and being undumpable keeps /proc/1/fd shut.
The kernel lets nobody inside the namespace kill, stop or trace PID 1, so the deadline holds whatever the program does.
At the end everything else in the namespace is killed first; only then the wanted files are read and sent.

Not covered: what the host does with the frames (`frames.py`), and limits of memory and processes (the cgroup's job).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import stat
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from io import FileIO

HEADER = struct.Struct(">cI")
"""A frame: its kind, the bytes that follow, and those bytes."""
EVENT, FILE, DATA, REFUSED, END = b"E", b"F", b"D", b"R", b"Z"
FRAME_BYTES = 256 << 10
EVENT_BYTES = 16 << 10
"""`harness.report` refuses a larger event; a test holds the two together."""
EVENTS_BYTES = 4 << 20
"""Events after these are not forwarded: some 20,000 epochs."""
REFUSED_NAMES = 20
KILL_SECONDS = 10.0
SEND_SECONDS = 300
"""After the deadline, for sending: 2 GB take 20 s. PID 1 ends itself when a host that is stuck lets it wait longer."""

OUT = "/job/out"
GO = "/job/input/go"
EVENTS = "events.jsonl"
ANSWER = "answer-"
"""What the names of answers begin with; then comes a number, from 000001 on."""
PR_SET_DUMPABLE = 4


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What the host tells PID 1: one JSON object on the command line, which the program may read."""

    seconds: float
    """From the appearance of `GO` until everything is killed."""
    idle: float
    """How long to wait for `GO`; then the job ends, so that no forgotten one stays."""
    wanted: dict[str, int]
    """File names and their largest sizes, in the order in which they are sent."""
    rlimits: dict[str, int]
    """Resource limits of the program: `NOFILE` and so on, and their values."""
    uid: int | None = None
    """The user (and group) to become before anything else; None stays who it is."""
    answer_bytes: int = 0
    """The largest answer; 0: none is sent."""


class RefusedError(Exception):
    """Raised when a file is not what may leave the sandbox."""


def main(orders: Orders, program: list[str]) -> int:
    if orders.uid is not None:
        become(orders.uid)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # python's own handler would let the program interrupt PID 1
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        launch(program, orders.rlimits)
    follower = Follower(orders.answer_bytes)
    status, why = watch(child, orders, follower)
    alone = kill_everyone()
    follower.forward()
    if alone:
        send_files(orders.wanted)
    end = {"status": status, "why": why if alone else "unkillable", "oom": oom_kills()}
    send(END, json.dumps(end).encode())
    return status


def become(uid: int) -> None:
    """Turn from root into a user without capabilities, groups or a way back."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    if ctypes.CDLL(None).capset(header, bytes(24)):
        raise OSError("capabilities cannot be dropped")


def launch(program: list[str], rlimits: dict[str, int]) -> NoReturn:
    """Become the program: a session of its own, no handle on the frames, first in line when memory runs out."""
    try:
        os.setsid()
        os.dup2(2, 1)
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or /proc/self/oom_score_adj belongs to root
        Path("/proc/self/oom_score_adj").write_text("1000")
        for name, value in rlimits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # python ignores them, and that would be inherited
            signal.signal(ignored, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execv(program[0], program)  # noqa: S606 - no shell is wanted
    except Exception as error:  # noqa: BLE001 - this is a forked child: nothing may return from here
        os.write(2, f"the program cannot be started: {error}\n".encode())
    finally:
        os._exit(127)


def watch(child: int, orders: Orders, follower: Follower) -> tuple[int, str]:
    """Wait for the program's end or the deadline; return an exit status, and which of the two it was."""
    limit, why, pause = time.monotonic() + orders.idle, "idle", 0.01
    while True:
        status = reap(child)
        if status is not None:
            return status, "ended"
        if host_is_gone():
            os._exit(1)  # and the kernel kills the rest
        follower.forward()
        if why == "idle" and os.access(GO, os.F_OK):
            limit, why = time.monotonic() + orders.seconds, "deadline"
            pause = 0.005 if orders.answer_bytes else 0.05  # somebody waits for an answer
            signal.signal(signal.SIGALRM, lambda *_: os._exit(124))  # even when a write to the host blocks
            signal.alarm(int(orders.seconds) + SEND_SECONDS)
        if time.monotonic() > limit:
            return 128 + signal.SIGKILL, why
        signal.sigtimedwait({signal.SIGCHLD}, pause)


def host_is_gone() -> bool:
    """Whether nobody reads the frames any more; a parent's death signal would be lost with the change of user."""
    poll = select.poll()
    poll.register(1, 0)
    return bool(poll.poll(0))


def reap(child: int) -> int | None:
    """Bury whoever is dead; the exit status of `child` if it was among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (waited := os.waitpid(-1, os.WNOHANG))[0]:
            if waited[0] == child:
                code = os.waitstatus_to_exitcode(waited[1])
                found = code if code >= 0 else 128 - code
    return found


def kill_everyone() -> bool:
    """Kill all other processes of the namespace; True once they are gone, False where one will not die (a driver)."""
    give_up = time.monotonic() + KILL_SECONDS
    while time.monotonic() < give_up:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return True
        reap(-1)
        time.sleep(0.002)
    return False


class Follower:
    """Forwards new complete lines of the program's events, and answers; the program may do anything to these files."""

    def __init__(self, answer_bytes: int) -> None:
        self.answer_bytes = answer_bytes
        self.answers = 0
        self.offset = 0
        self.rest = b""

    def forward(self) -> None:
        self._forward_events()
        while self.answer_bytes and send_answer(f"{ANSWER}{self.answers + 1:06}", self.answer_bytes):
            self.answers += 1

    def _forward_events(self) -> None:
        while data := self._more():
            *lines, self.rest = (self.rest + data).split(b"\n")
            self.rest = self.rest[: EVENT_BYTES + 1]  # too long already: it is dropped when its end comes
            for line in lines:
                if 0 < len(line) <= EVENT_BYTES:
                    send(EVENT, line)

    def _more(self) -> bytes:
        if self.offset >= EVENTS_BYTES:
            return b""
        try:
            with open_regular(EVENTS) as file:
                data = os.pread(file.fileno(), 64 << 10, self.offset)
        except (OSError, RefusedError):
            return b""
        self.offset += len(data)
        return data


def open_regular(name: str) -> FileIO:
    """Open a file of `OUT` for reading if it is just that.

    Raises:
        RefusedError: a link, a pipe, a device, a folder, or a file with a second name.
        OSError: it cannot be opened.
    """
    folder = os.open(OUT, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise RefusedError("not a regular file")
        file = os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder), "rb", buffering=0)
    finally:
        os.close(folder)
    found = os.fstat(file.fileno())
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return file
    file.close()
    raise RefusedError("not a regular file with one name")


def send_files(wanted: dict[str, int]) -> None:
    """Send what is wanted and sound, then a list of everything else."""
    refused = []
    for name, limit in wanted.items():
        try:
            send_file(name, limit)
        except FileNotFoundError:
            continue
        except (OSError, RefusedError) as error:
            refused.append(f"{name}: {getattr(error, 'strerror', None) or error}")
    send(REFUSED, json.dumps(refused + unwanted(wanted)).encode())


def send_file(name: str, limit: int) -> None:
    with open_regular(name) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise RefusedError(f"{size} bytes where {limit} are allowed")
        send(FILE, json.dumps({"name": name, "size": size}).encode())
        while data := file.read(FRAME_BYTES):
            send(DATA, data)


def send_answer(name: str, limit: int) -> bool:
    """Send a file as it is now; False where it is not there. One that is too large is the host's to refuse."""
    try:
        with open_regular(name) as file:
            data = file.read(limit + 1)
    except (OSError, RefusedError):
        return False
    send(FILE, json.dumps({"name": name, "size": len(data)}).encode())
    for at in range(0, len(data), FRAME_BYTES):
        send(DATA, data[at : at + FRAME_BYTES])
    return True


def unwanted(wanted: dict[str, int]) -> list[str]:
    """Names that nobody asked for, made harmless, and only the first few."""
    try:
        names = [entry.name for entry in os.scandir(OUT) if entry.name not in {EVENTS, *wanted}]
    except OSError as error:
        return [f"the folder cannot be listed: {error.strerror}"]
    lines = [f"{name[:60]!a}: not wanted" for name in names[:REFUSED_NAMES]]
    return lines + [f"{len(names) - REFUSED_NAMES} more: not wanted"] * (len(names) > REFUSED_NAMES)


def oom_kills() -> int:
    """How often the kernel killed someone here for memory, where the cgroup is visible (Docker); else 0."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        with contextlib.suppress(OSError):
            counts = dict(line.split() for line in Path(path).read_text().splitlines())
            return int(counts.get("oom_kill", 0))
    return 0


def send(kind: bytes, payload: bytes) -> None:
    rest = memoryview(HEADER.pack(kind, len(payload)) + payload)
    while rest:
        rest = rest[os.write(1, rest) :]


if __name__ == "__main__":
    if os.getpid() != 1:  # it kills all that it can reach
        sys.exit("pid1.py must be the first process of a pid namespace")
    sys.exit(main(Orders(**json.loads(sys.argv[1])), sys.argv[2:]))
