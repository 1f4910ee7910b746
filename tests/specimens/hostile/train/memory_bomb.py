# Takes all memory.
def train(model, task, run):
    held = []
    while True:
        held.append(bytearray(b"x" * (32 << 20)))
