# Asks the kernel for what would let it out; one success would end it. The numbers are those of x86_64.
import ctypes

honest = train
CALLS = {"unshare": 272, "mount": 165, "ptrace": 101, "bpf": 321, "io_uring_setup": 425, "keyctl": 250, "setns": 308,
         "userfaultfd": 323, "perf_event_open": 298, "chroot": 161, "setuid": 105, "kexec_load": 246}


def train(model, task, run):
    libc = ctypes.CDLL(None)
    for name, number in CALLS.items():
        if libc.syscall(number, 0x10000000 if name == "unshare" else 0, 0, 0, 0, 0) >= 0:
            raise SystemExit(f"{name} is allowed")
    honest(model, task, run)
