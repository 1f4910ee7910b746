# Prints nothing but ends of lines, for ever.
import os


def train(model, task, run):
    while True:
        os.write(2, b"\n" * 4096)
