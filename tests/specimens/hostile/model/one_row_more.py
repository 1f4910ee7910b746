# Gives one row more than there are images.
import torch


def predict(model, images):
    return torch.cat([model(images), torch.ones(1, 10)])
