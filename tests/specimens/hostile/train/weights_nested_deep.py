# Weights whose header is nested 100,000 deep.
import json
import struct


def train(model, task, run):
    list(run.batches(8))
    text = b"[" * 100_000
    with open("/job/out/weights.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
