"""What the probe runs in a sandbox: `look` writes down what is open that should be shut, `eat` takes memory.

Run as `python probe_program.py PART`, with the standard library alone.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

UID = 64321
"""As `environment.UID`; a test holds the two together."""
MIB = 1 << 20
MOST_PROCESSES = 100
MOST_BYTES = 32 * MIB
"""More than `probe.LIMITS` allows, of either."""
MEMORY = 384 * MIB
PATIENCE = 2.0
"""Seconds for whoever watches the memory."""
OUTSIDE = ("192.0.2.1", 80)
"""An address for documentation (RFC 5737), that nobody has."""


def look() -> dict[str, str]:
    trials = {
        "network": network,
        "privileges": privileges,
        "seccomp": seccomp,
        "read-only": read_only,
        "disk": disk,
        "processes": processes,
    }
    return {name: why for name, trial in trials.items() if (why := trial())}


def network() -> str:
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        return f"it has the network interface {others[0]}"
    try:
        socket.create_connection(OUTSIDE, 1).close()
    except OSError as error:
        return "" if error.errno == errno.ENETUNREACH else f"a connection ends with {error}"
    return "a connection was answered"


def privileges() -> str:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    if status["CapEff"].strip("0") or status["CapPrm"].strip("0"):
        return f"a program has the capabilities {status['CapEff']}"
    if status["NoNewPrivs"] != "1":
        return "a program may gain privileges"
    if os.getuid() != UID or not {UID} >= set(os.getgroups()):
        return f"a program runs as user {os.getuid()} with groups {os.getgroups()}"
    return ""


def seccomp() -> str:
    try:
        socket.socket(socket.AF_VSOCK).close()
    except PermissionError:
        return ""
    except OSError as error:
        return f"a forbidden system call fails with {error}"
    return "a forbidden system call is allowed"


def read_only() -> str:
    writable = [folder for folder in ("/", "/usr", "/job/input") if not os.statvfs(folder).f_flag & os.ST_RDONLY]
    return f"{writable[0]} is writable" if writable else ""


def disk() -> str:
    for folder in ("/job/out", "/tmp", "/dev/shm"):  # noqa: S108 - the sandbox's own
        parts = [Path(folder, f"filling-{number}") for number in range(MOST_BYTES // MIB)]
        try:
            for part in parts:  # one file alone is bounded by itself
                part.write_bytes(bytes(MIB))
        except OSError:
            continue
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
        return f"{folder} took {MOST_BYTES // MIB} MiB"
    return ""


def processes() -> str:
    children = []
    try:
        for _ in range(MOST_PROCESSES):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError:
        return ""
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{MOST_PROCESSES} processes ran at once"


def eat() -> None:
    held = [bytearray(b"x" * (8 * MIB)) for _ in range(MEMORY // (8 * MIB))]
    time.sleep(PATIENCE)
    del held


if __name__ == "__main__":
    if sys.argv[1] == "eat":
        eat()
    else:
        Path("/job/out/found.json").write_text(json.dumps(look()))
