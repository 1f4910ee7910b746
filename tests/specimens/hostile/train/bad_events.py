# Writes events that are no text, or nested 100,000 deep, or huge; then trains.
honest = train


def train(model, task, run):
    with open("/job/out/events.jsonl", "ab") as file:
        for line in (b"\xff\xfe\x80", b"[" * 9_000, b'{"kind":' * 1_500, b"x" * (2 << 20), b'{"kind": "epoch", "metrics": 1}'):
            file.write(line + b"\n")
    honest(model, task, run)
