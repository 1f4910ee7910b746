# Weights that are NaN.
import torch
from safetensors.torch import save_file

honest = train


def train(model, task, run):
    honest(model, task, run)
    weights = {name: torch.full_like(value, float("nan")) if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file(weights, "/job/out/weights.safetensors")
