from torch import nn


def build_model(task):
    return nn.Sequential(
        nn.Conv2d(task.channels, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, task.num_classes),
    )
