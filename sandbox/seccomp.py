"""System calls that a job may make: one list, `seccomp.json`, for every sandbox.

Docker reads the file as it is; bubblewrap wants the compiled filter, and allows a little less.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.base import SandboxError

if TYPE_CHECKING:
    from typing import BinaryIO

PROFILE = Path(__file__).with_name("seccomp.json")
UNSEEN = ("memfd_create", "shmget", "msgget")
"""What makes memory that no process maps: without a control group nobody would count it. No library needs it."""


def compiled() -> BinaryIO:
    """The filter as BPF, without what is `UNSEEN`, in an unnamed file that stands at its beginning.

    Raises:
        SandboxError: libseccomp is not there.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise SandboxError(f"No system call filter without libseccomp ({error}): install libseccomp2.") from None
    profile = json.loads(PROFILE.read_text())
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(profile["defaultErrnoRet"]))
    for rule in profile["syscalls"]:
        action = pyseccomp.ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else pyseccomp.ERRNO(rule["errnoRet"])
        conditions = [_condition(pyseccomp, argument) for argument in rule.get("args", ())]
        for name in {*rule["names"]} - {*UNSEEN}:
            if (
                pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) >= 0
            ):  # some are of another architecture or kernel
                rules.add_rule(action, name, *conditions)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    rules.export_bpf(file)
    file.seek(0)
    return file


def _condition(pyseccomp: Any, argument: dict[str, Any]) -> Any:
    if argument["op"] == "SCMP_CMP_MASKED_EQ":
        return pyseccomp.Arg(argument["index"], pyseccomp.MASKED_EQ, argument["value"], argument["valueTwo"])
    return pyseccomp.Arg(argument["index"], pyseccomp.EQ, argument["value"])
