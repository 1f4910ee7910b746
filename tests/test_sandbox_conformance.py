"""What every sandbox must do, whichever engine it stands on. The programs are tiny and hostile; none imports torch."""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.report import ANSWERED
from sandbox.base import MIB, Job, Limits, Mount, SandboxError, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.report import Event
    from sandbox.base import Ended, Sandbox

LIMITS = Limits(
    seconds=20, memory=256 * MIB, pids=64, shm=16 * MIB, scratch=16 * MIB, output=16 * MIB, files=200, log=MIB
)
SYSCALLS = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
calls = {"unshare": 272, "mount": 165, "ptrace": 101, "io_uring_setup": 425, "keyctl": 250, "add_key": 248, "bpf": 321,
         "userfaultfd": 323, "perf_event_open": 298, "process_vm_readv": 310, "pidfd_getfd": 438, "chroot": 161,
         "setns": 308, "kexec_load": 246, "init_module": 175, "open_by_handle_at": 304, "clone3": 435}
for name, number in calls.items():
    result = libc.syscall(number, 0x10000000, 0, 0, 0, 0)
    print(name, "allowed" if result >= 0 else errno.errorcode[ctypes.get_errno()])
result = libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
if result == 0: os._exit(0)
print("clone newuser", "allowed" if result > 0 else errno.errorcode[ctypes.get_errno()])
"""


class Runner:
    """Runs programs in one sandbox, each in folders of its own."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.jobs = 0

    def job(self, code: str, **changes: Any) -> Job:
        self.jobs += 1
        place = self.folder / str(self.jobs)
        for name in ("input", "output"):
            (place / name).mkdir(parents=True)
        fields: dict[str, Any] = {"limits": LIMITS, **changes}
        return Job(name="test", arguments=("-c", code), input=place / "input", output=place / "output", **fields)

    def __call__(self, code: str, on_event: Callable[[Event], None] | None = None, **changes: Any) -> Ended:
        running = self.sandbox.start(self.job(code, **changes), on_event)
        running.go()
        return running.wait()


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("docker", "bubblewrap")])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    return Runner(request.getfixturevalue(request.param), tmp_path)


def limits(**changes: Any) -> Limits:
    return Limits(**{**LIMITS.__dict__, **changes})


def test_the_exit_status_and_everything_printed_come_back_in_order(run: Runner) -> None:
    ended = run("import sys\nprint('one'); print('two', file=sys.stderr); print('three'); sys.exit(3)")

    assert ended.verdict == Verdict.FINISHED
    assert ended.status == 3
    assert ended.log == "one\ntwo\nthree\n"


def test_a_signal_is_an_exit_status_above_128(run: Runner) -> None:
    assert run("import os; os.kill(os.getpid(), 11)").status == 128 + signal.SIGSEGV


def test_a_program_that_kills_itself_was_not_out_of_memory(run: Runner) -> None:
    assert run("import os; os.kill(os.getpid(), 9)").verdict == Verdict.KILLED


def test_wanted_files_are_fetched_and_others_only_named(run: Runner) -> None:
    code = "for n in ('logits.npy', 'other', 'bad\\x1b\\n'): open('/job/out/' + n, 'w').write('x' * 1000)"

    ended = run(code, wanted={"logits.npy": 1000, "missing": 10})

    assert {"logits.npy"} == set(ended.files)
    assert ended.files["logits.npy"].read_bytes() == b"x" * 1000
    assert sorted(ended.refused) == ["'bad\\x1b\\n': not wanted", "'other': not wanted"]


def test_answers_leave_while_the_program_runs_and_what_is_asked_arrives_meanwhile(run: Runner) -> None:
    code = """
import os, time
for number in range(1, 4):
    while not os.path.exists(f'/job/input/{number}'): time.sleep(0.01)
    with open('/job/out/part', 'wb') as file: file.write(open(f'/job/input/{number}', 'rb').read() * 300_000)
    os.replace('/job/out/part', f'/job/out/answer-{number:06}')
time.sleep(600)
"""
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    job = run.job(code, answer_bytes=300_000)
    running = run.sandbox.start(job, heard.put)
    running.go()
    answers = []
    for number in (1, 2, 3):
        (job.input / ".asked").write_bytes(str(number).encode())
        (job.input / ".asked").chmod(0o644)
        (job.input / ".asked").rename(job.input / str(number))
        event = heard.get(timeout=60)
        answers.append((event.kind, (job.output / event.text).read_bytes()))
    running.kill()

    assert answers == [(ANSWERED, str(number).encode() * 300_000) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    "make",
    [
        "os.symlink('/proc/self/environ', 'answer-000001')",
        "os.mkfifo('answer-000001')",
        "os.mkdir('answer-000001')",
        "open('g', 'w').close(); os.link('g', 'answer-000001')",
    ],
)
def test_an_answer_is_a_plain_file(run: Runner, make: str) -> None:
    ended = run(f"import os, time; os.chdir('/job/out'); {make}; time.sleep(0.5)", answer_bytes=1000)

    assert ended.verdict == Verdict.FINISHED
    assert list(run.folder.glob("*/output/*")) == []


def test_an_answer_that_is_too_large_ends_the_job(run: Runner) -> None:
    code = "import time; open('/job/out/answer-000001', 'wb').write(bytes(1001)); time.sleep(600)"

    ended = run(code, answer_bytes=1000)

    assert ended.verdict == Verdict.KILLED
    assert ended.refused == ("reading stopped at a file beyond its size",)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("os.symlink('/proc/self/environ', 'f')", "not a regular file"),
        ("os.mkfifo('f')", "not a regular file"),
        ("os.mkdir('f')", "not a regular file"),
        ("open('g', 'w').close(); os.link('g', 'f')", "not a regular file with one name"),
        ("os.truncate(os.open('f', os.O_CREAT | os.O_RDWR), 9 << 20)", "9437184 bytes where 1000 are allowed"),
        ("open('f', 'wb').write(bytes(1001))", "1001 bytes where 1000 are allowed"),
    ],
)
def test_anything_but_a_plain_file_within_its_size_is_refused(run: Runner, code: str, reason: str) -> None:
    ended = run(f"import os; os.chdir('/job/out'); {code}", wanted={"f": 1000})

    assert dict(ended.files) == {}
    assert f"f: {reason}" in ended.refused
    assert list(run.folder.glob("*/output/*")) == []


def test_the_output_folder_may_be_replaced_by_nothing(run: Runner) -> None:
    ended = run("import os\ntry: os.rename('/job/out', '/job/was')\nexcept OSError as e: print(e.errno)")

    assert ended.log.strip().isdigit()


def test_output_memory_disk_and_file_sizes_are_bounded(run: Runner) -> None:
    code = """
import errno, os
for folder in ('/job/out', '/tmp', '/dev/shm'):
    try:
        with open(folder + '/f', 'wb') as f:
            for _ in range(40): f.write(bytes(1 << 20))
        print(folder, 'full size')
    except OSError as e: print(folder, errno.errorcode[e.errno])
try: os.truncate('/tmp/f', 1 << 40); print('sparse')
except OSError as e: print(errno.errorcode[e.errno])
"""

    ended = run(code)

    assert ended.log.splitlines() == ["/job/out ENOSPC", "/tmp ENOSPC", "/dev/shm ENOSPC", "EFBIG"]


def test_a_program_over_its_memory_is_killed_and_its_files_survive(run: Runner) -> None:
    code = "open('/job/out/f', 'w').write('kept')\nx = [bytearray(b'x' * (8 << 20)) for _ in range(100)]"

    ended = run(code, wanted={"f": 10})

    assert ended.verdict == Verdict.OUT_OF_MEMORY
    assert ended.files["f"].read_text() == "kept"


def test_a_worker_killed_for_memory_does_not_fail_a_job_that_ends_well(run: Runner) -> None:
    code = "import os\nif os.fork() == 0: x = [bytearray(b'x' * (8 << 20)) for _ in range(100)]\nprint(os.wait()[1])"

    ended = run(code)

    assert (ended.verdict, ended.status, ended.log) == (Verdict.FINISHED, 0, "9\n")


def test_a_fork_bomb_stays_within_its_processes(run: Runner) -> None:
    code = """
import os, time
n = 0
try:
    while n < 500:
        if os.fork() == 0: time.sleep(60)
        n += 1
except OSError as e: print(e.errno)
print(n < 64)
"""

    assert run(code).log == "11\nTrue\n"


def test_at_the_deadline_all_die_and_finished_files_are_kept(run: Runner) -> None:
    code = """
import os, signal, time
open('/job/out/f', 'w').write('kept')
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM): signal.signal(s, signal.SIG_IGN)
for s in (signal.SIGSTOP, signal.SIGKILL, signal.SIGINT, signal.SIGTERM): os.kill(1, s)
if os.fork() == 0: os.setsid()
while True: pass
"""

    ended = run(code, limits=limits(seconds=3), wanted={"f": 10})

    assert ended.verdict == Verdict.DEADLINE
    assert ended.files["f"].read_text() == "kept"


def test_stopping_everything_does_not_stop_the_clock(run: Runner) -> None:
    code = """
import os, signal, time
if os.fork() == 0: time.sleep(600)
os.kill(-1, signal.SIGSTOP)
os.kill(0, signal.SIGSTOP)
"""

    ended = run(code, limits=limits(seconds=1))

    assert ended.verdict == Verdict.DEADLINE


def test_too_much_printing_ends_the_job(run: Runner) -> None:
    ended = run("while True: print('x' * 1000)")

    assert ended.verdict == Verdict.LOG_OVERFLOW
    assert len(ended.log) < 100_000
    assert "bytes left out" in ended.log


def test_what_is_printed_cannot_touch_a_terminal(run: Runner) -> None:
    assert run(r"print('\x1b[31mred\x1b]0;title\x07\u202e')").log == "red\n"


@pytest.mark.parametrize("trusted", [False, True])
def test_there_is_no_network_but_loopback(run: Runner, *, trusted: bool) -> None:
    code = """
import socket
print(sorted(name for _, name in socket.if_nameindex()))
try: socket.create_connection(('192.0.2.1', 80), 3)
except OSError as e: print(e.errno)
try: socket.socket(socket.AF_VSOCK)
except OSError as e: print(e.errno)
"""

    assert run(code, trusted=trusted).log == "['lo']\n101\n1\n"


def test_the_world_is_read_only_but_for_three_folders(run: Runner) -> None:
    code = """
import os
for folder in ('/', '/usr', '/opt/automodel/harness', '/job', '/job/input', '/dev', '/etc', '/proc/sys/kernel'):
    try: open(folder + '/new', 'w'); print(folder)
    except OSError: pass
for file in ('/opt/automodel/pid1.py', '/opt/automodel/harness/report.py', '/proc/sys/kernel/core_pattern'):
    try: open(file, 'r+'); print(file)
    except OSError: pass
for folder in ('/tmp', '/dev/shm', '/job/out'): open(folder + '/new', 'w')
"""

    assert run(code).log == ""


def test_the_program_has_no_privileges_and_no_way_to_get_any(run: Runner) -> None:
    ended = run("print(open('/proc/self/status').read())")

    status = dict(line.split(":\t", 1) for line in ended.log.splitlines() if ":\t" in line)
    assert [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == ["0" * 16] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert str(os.getuid()) not in status["Uid"].split()
    assert status["Groups"].strip().replace("64321", "") == ""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of the system calls are x86_64's")
def test_dangerous_system_calls_are_denied(run: Runner) -> None:
    answers = dict(line.rsplit(" ", 1) for line in run(SYSCALLS).log.splitlines())

    assert {name: answer for name, answer in answers.items() if answer != "EPERM"} == {"clone3": "ENOSYS"}
    assert len(answers) == 18


def test_pid_1_cannot_be_read_traced_or_spoken_for(run: Runner) -> None:
    code = """
import os
for name in ('fd/1', 'mem', 'environ', 'maps', 'cwd/x', 'root/x', 'fdinfo/1'):
    try: open('/proc/1/' + name, 'rb+' if name in ('fd/1', 'mem') else 'rb'); print(name)
    except OSError: pass
for fd in range(3, 100):
    try: os.fstat(fd); print('descriptor', fd)
    except OSError: pass
print(os.fstat(1).st_ino == os.fstat(2).st_ino)
"""

    assert run(code).log == "True\n"


def test_forged_frames_on_stdout_are_only_text(run: Runner) -> None:
    ended = run("import os, struct; os.write(1, struct.pack('>cI', b'Z', 2) + b'{}'); os._exit(4)")

    assert (ended.verdict, ended.status) == (Verdict.FINISHED, 4)


def test_stdin_is_at_its_end(run: Runner) -> None:
    assert run("import sys; print(sys.stdin.buffer.read())").log == "b''\n"


def test_nothing_of_the_hosts_environment_goes_in(run: Runner) -> None:
    host = {value for value in os.environ.values() if len(value) > 3} - {"C.UTF-8", "/tmp"}  # a digit proves nothing

    ended = run("import json, os; print(json.dumps(dict(os.environ)))", environment={"OWN": "own value"})

    inside = json.loads(ended.log)
    assert [name for name, value in inside.items() if value in host] == []
    assert (inside["OWN"], inside["HF_HUB_OFFLINE"], inside["PYTHONPATH"]) == ("own value", "1", "/opt/automodel")


def test_the_harness_is_importable_and_input_and_mounts_are_readable(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_text("mounted")
    job = run.job(
        "import os, time\nwhile not os.path.exists('/job/input/go'): time.sleep(.01)\n"
        "import harness.report; print(open('/job/input/x').read(), open('/job/train/a').read())",
        mounts=(Mount(source=tmp_path / "data", target="/job/train"),),
    )
    job.input.chmod(0o700)
    running = run.sandbox.start(job)
    (job.input / "x").write_text("given")
    (job.input / "x").chmod(0o600)
    running.go()

    assert running.wait().log == "given mounted\n"


def test_a_writable_mount_is_refused_to_generated_code(run: Runner, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="trusted"):
        run("pass", mounts=(Mount(source=tmp_path, target="/job/x", writable=True),))


def test_a_trusted_job_writes_as_the_calling_user(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    mount = Mount(source=tmp_path / "data", target="/job/data", writable=True)

    ended = run("open('/job/data/new', 'w').write('made'); open('/job/out/f', 'w')", trusted=True, mounts=(mount,))

    assert (ended.verdict, ended.status, ended.log) == (Verdict.FINISHED, 0, "")
    assert os.getuid() == (tmp_path / "data" / "new").stat().st_uid


def test_a_mount_that_is_not_there_is_the_sandboxs_failure(run: Runner, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="does not exist"):
        run("pass", mounts=(Mount(source=tmp_path / "gone", target="/job/x"),))


def test_a_mount_that_the_job_could_not_read_is_named(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)

    with pytest.raises(SandboxError, match=r"closed is closed.*chmod"):
        run("pass", mounts=(Mount(source=tmp_path / "closed", target="/job/x"),))


def test_events_arrive_while_the_program_runs_and_bad_ones_do_not(run: Runner) -> None:
    seen: list[Event] = []
    first = threading.Event()

    def on_event(event: Event) -> None:
        seen.append(event)
        first.set()

    code = r"""
import time
f = open('/job/out/events.jsonl', 'w')
good = '{"kind": "phase", "text": "check"}'
for line in (good, 'no json', '{"kind": 3}', 'x' * 20000, '[' * 9000): print(line, file=f)
f.flush()
while True: time.sleep(1)
"""
    running = run.sandbox.start(run.job(code), on_event)
    running.go()
    arrived = first.wait(15)
    running.kill()

    assert arrived
    assert [event.text for event in seen] == ["check"]


def test_events_lie_beside_the_files(run: Runner) -> None:
    ended = run("""open('/job/out/events.jsonl', 'w').write('{"kind": "epoch", "metrics": {"loss": 1}}\\n')""")

    assert json.loads(ended.files["events.jsonl"].read_text())["metrics"]["loss"] == 1.0


def test_events_through_a_link_are_not_followed(run: Runner) -> None:
    ended = run("import os; os.symlink('/proc/self/status', '/job/out/events.jsonl')")

    assert dict(ended.files) == {}


def test_the_clock_does_not_run_before_go(run: Runner) -> None:
    code = """
import os, time
while not os.path.exists('/job/input/go'): time.sleep(.01)
time.sleep(.5)
print('went')
"""
    running = run.sandbox.start(run.job(code, limits=limits(seconds=3)))
    time.sleep(3.1)
    running.go()
    ended = running.wait()

    assert (ended.verdict, ended.log) == (Verdict.FINISHED, "went\n")


def test_a_job_to_which_nobody_says_go_gives_up(run: Runner) -> None:
    job = run.job("import time; time.sleep(600)", limits=limits(idle=0.2))
    running = run.sandbox.start(job)

    with pytest.raises(SandboxError, match="gave up: idle"):
        running.wait()
    assert running.ended
    running.kill()


def test_a_job_has_not_ended_while_it_waits(run: Runner) -> None:
    running = run.sandbox.start(run.job("import time; time.sleep(600)"))

    assert not running.ended
    running.kill()
    assert running.ended


def test_kill_ends_a_job_and_wait_then_says_so(run: Runner) -> None:
    running = run.sandbox.start(run.job("import time; time.sleep(600)"))
    running.kill()
    running.kill()

    assert running.wait().verdict == Verdict.CANCELLED


def test_close_ends_every_job(run: Runner) -> None:
    running = run.sandbox.start(run.job("import time; time.sleep(600)"))
    run.sandbox.close()

    assert running.wait().verdict == Verdict.CANCELLED


def test_a_daemon_does_not_outlive_its_program(run: Runner) -> None:
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(.2)
        open('/job/out/f', 'w').write('late')
        time.sleep(600)
    os._exit(0)
os.wait()
"""

    assert dict(run(code, wanted={"f": 10}).files) == {}


def test_a_large_output_passes_through_without_filling_the_hosts_memory(run: Runner) -> None:
    code = "f = open('/job/out/f', 'wb')\nfor i in range(200): f.write(bytes([i]) * (1 << 20))"
    before = peak_memory()

    ended = run(code, limits=limits(memory=512 * MIB, output=220 * MIB), wanted={"f": 200 * MIB})

    data = ended.files["f"]
    assert data.stat().st_size == 200 * MIB
    with data.open("rb") as file:
        file.seek(-1, 2)
        assert bytes([199]) == file.read()
    assert peak_memory() - before < 32 * MIB


def peak_memory() -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) << 10
