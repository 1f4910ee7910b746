# Weights whose header claims to be 2^60 bytes long.
import json
import struct

honest = train


def train(model, task, run):
    honest(model, task, run)
    with open("/job/out/weights.safetensors", "wb") as file:
        file.write(struct.pack("<Q", 1 << 60) + b"{}")
