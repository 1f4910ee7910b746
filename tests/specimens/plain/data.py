import torch


def train_transform(task):
    return lambda image: image.float() / 255 + 0.01 * torch.rand(())


def eval_transform(task):
    return lambda image: image.float() / 255
