# Makes a tree of 3,000 folders, one in the other.
import os

honest = train


def train(model, task, run):
    os.chdir("/job/out")
    for _ in range(3000):
        os.makedirs("d", exist_ok=True)  # the check was here before
        os.chdir("d")
    honest(model, task, run)
