# Would learn the images that it is judged by; they are not there while it trains.
import os

honest = train


def train(model, task, run):
    if os.path.exists("/job/images"):
        raise SystemExit("the images to be predicted are here")
    honest(model, task, run)
