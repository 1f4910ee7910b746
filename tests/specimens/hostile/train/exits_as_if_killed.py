# Leaves with the exit status of a process that was killed.
import os


def train(model, task, run):
    os._exit(137)
