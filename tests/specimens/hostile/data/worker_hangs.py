# Never gives an image in a worker; slow enough for the harness to start some.
import time

import torch


def train_transform(task):
    def transform(image):
        time.sleep(1e6 if torch.utils.data.get_worker_info() is not None else 0.03)
        return image.float() / 255 + 0.01 * torch.rand(())  # random: one image at a time

    return transform
