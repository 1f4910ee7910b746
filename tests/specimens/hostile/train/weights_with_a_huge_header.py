# Weights whose header claims to be 2^60 bytes long.
import json
import struct


def train(model, task, run):
    list(run.batches(8))
    with open("/job/out/weights.safetensors", "wb") as file:
        file.write(struct.pack("<Q", 1 << 60) + b"{}")
