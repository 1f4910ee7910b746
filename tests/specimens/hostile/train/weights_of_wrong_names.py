# Weights of the right shapes and wrong names.
import torch
from safetensors.torch import save_file

honest = train


def train(model, task, run):
    honest(model, task, run)
    weights = {f"other.{name}": value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, "/job/out/weights.safetensors")
