# Starts threads until it is refused.
import threading


def train(model, task, run):
    while True:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
