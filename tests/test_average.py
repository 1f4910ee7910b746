"""An average of networks is an ordinary pipeline: the harness loads it, and it predicts the mean of its members."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orchestrator.average import Member, averaged, choose_members
from orchestrator.components import Pipeline, read_components
from orchestrator.outcome import Trained
from orchestrator.static_check import check_component
from orchestrator.tensor_file import read_header, write_mean, write_stack
from tests.fakes import trained

PLAIN = read_components(Path(__file__).parent / "specimens" / "plain")
ODD = """
import torch
from torch import nn


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.first, self.last = nn.BatchNorm1d(4), nn.Linear(4, 3), nn.Linear(4, 3)
        self.last.weight = self.first.weight

    def forward(self, images):
        images += 1
        return self.first(self.norm(images)) + self.last(images)


def build_model(task):
    return Odd()


def predict(model, images):
    if len(images) > 1:
        return torch.cat([predict(model, image[None]) for image in images])
    return model(images)
"""
"""Ties weights, changes its input in place, and calls its own predict by name."""


def member(attempt: Path, pipeline: Pipeline = PLAIN, accuracy: float = 0.9) -> Member:
    attempt.mkdir(parents=True, exist_ok=True)
    (attempt / "weights.safetensors").touch()
    outcome = trained(accuracy)
    score = type(outcome.score)(**{**vars(outcome.score), "interval": (accuracy - 0.05, accuracy + 0.05)})
    return Member(pipeline=pipeline, attempt=attempt, outcome=Trained(score=score, report=outcome.report, seconds=1.0))


def load(source: str) -> Any:
    module = ModuleType("model")
    exec(compile(source, "model.py", "exec"), vars(module))  # noqa: S102 - a component of ours
    return module


@pytest.mark.parametrize("source", [PLAIN.model, ODD])
def test_the_wrapped_component_passes_the_static_check(tmp_path: Path, source: str) -> None:
    pipeline = PLAIN.with_component("model", source)
    members = [member(tmp_path / name, pipeline) for name in "ab"]

    check_component("model", averaged("logits", members).model)
    assert averaged("weights", members) == pipeline


@pytest.mark.torch
@pytest.mark.parametrize("hook", [True, False])
def test_stacked_networks_predict_the_mean_of_their_log_probabilities(tmp_path: Path, hook: bool) -> None:
    torch = pytest.importorskip("torch")
    from harness.weights import load_weights, save_weights  # noqa: PLC0415 - heavy

    source = ODD if hook else ODD[: ODD.index("def predict")]
    component, images = load(source), torch.randn(5, 4)
    networks = []
    for seed in range(3):
        torch.manual_seed(seed)
        network = component.build_model(None)
        network(torch.randn(8, 4))  # the normalization counts and learns
        network.eval()
        save_weights(network, type(network), tmp_path / f"{seed}")
        networks.append(network)
    write_stack([read_header(tmp_path / f"{seed}") for seed in range(3)], tmp_path / "stack", "members.")
    members = [member(tmp_path / f"attempt-{seed}", PLAIN.with_component("model", source)) for seed in range(3)]

    wrapped = load(averaged("logits", members).model)
    average = wrapped.build_model(None)
    load_weights(average, tmp_path / "stack")
    average.eval()

    with torch.inference_mode():
        each = [network(images.clone()).log_softmax(1) for network in networks]
        assert torch.allclose(wrapped.predict(average, images.clone()), torch.stack(each).mean(0), atol=1e-6)
        assert torch.allclose(average(images.clone()), torch.stack(each).mean(0), atol=1e-6)


@pytest.mark.torch
def test_averaged_weights_load_into_the_network_they_are_of(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from harness.weights import load_weights, save_weights  # noqa: PLC0415 - heavy

    component = load(ODD)
    networks = [component.build_model(None) for _ in range(2)]
    for index, network in enumerate(networks):
        for _ in range(index + 1):
            network(torch.randn(8, 4))
        save_weights(network, type(network), tmp_path / f"{index}")

    write_mean([read_header(tmp_path / f"{index}") for index in range(2)], tmp_path / "mean")

    average = component.build_model(None)
    load_weights(average, tmp_path / "mean")
    mean = (networks[0].first.weight + networks[1].first.weight) / 2
    assert torch.allclose(average.last.weight, mean)
    assert int(average.norm.num_batches_tracked) == 1


def test_members_share_the_winners_network_and_are_about_as_good(tmp_path: Path) -> None:
    winner = member(tmp_path / "winner")
    near = member(tmp_path / "near", PLAIN.with_component("train", "\n"), 0.86)
    nearer = member(tmp_path / "nearer", accuracy=0.88)
    worse = member(tmp_path / "worse", accuracy=0.84)
    other = member(tmp_path / "other", PLAIN.with_component("model", ODD))
    gone = member(tmp_path / "gone")
    (gone.attempt / "weights.safetensors").unlink()

    assert choose_members(winner, [near, winner, worse, other, gone, nearer]) == (winner, nearer, near)
