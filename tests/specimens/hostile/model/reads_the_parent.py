# Reads the memory of the process that judges, and of PID 1.
import os


def predict(model, images):
    for path in ("/proc/1/mem", "/proc/1/environ", "/proc/1/fd/1"):
        try:
            open(path, "rb").close()
        except OSError:
            continue
        raise SystemExit(f"{path} opens")
    try:
        with open(f"/proc/{os.getppid()}/environ", "rb") as file:
            assert b"KEY" not in file.read()
    except OSError:
        pass
    return model(images)
