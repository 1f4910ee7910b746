# Waits for somebody to type.
import sys

honest = train


def train(model, task, run):
    sys.stdin.read()
    honest(model, task, run)
