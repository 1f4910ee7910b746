# Kills the loader's workers; slow enough for the harness to start some.
import os
import signal
import time

import torch


def train_transform(task):
    def transform(image):
        time.sleep(0.03)
        if torch.utils.data.get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return image.float() / 255 + 0.01 * torch.rand(())  # random: one image at a time

    return transform
