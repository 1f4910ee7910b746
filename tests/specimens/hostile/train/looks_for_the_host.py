# Looks for what belongs to the host; one success would end it.
import os

honest = train


def train(model, task, run):
    for path in ("/var/run/docker.sock", "/run/docker.sock", "/proc/kcore", "/dev/sda", "/dev/vda", "/dev/mem", "/etc/shadow",
                 "/proc/1/root/etc", "/proc/sysrq-trigger", "/sys/fs/cgroup/cgroup.procs"):
        try:
            os.listdir(path) if os.path.isdir(path) else os.close(os.open(path, os.O_RDWR))
        except OSError:
            continue
        raise SystemExit(f"{path} opens")
    honest(model, task, run)
