# Aborts.
import os


def train(model, task, run):
    os.abort()
