"""`python -m harness.pretrained.convert --name NAME`: somebody's file of weights to what timm reads from its cache.

Reads safetensors, what `torch.save` wrote (arrays alone, nothing is unpickled that could run), and .npz of the networks
that timm has a reader for. Writes model.safetensors and config.json, or why not; result.json says which.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from timm.models import clean_state_dict, load_state_dict, save_for_hf

from harness.pretrained.efficientnet_lite import renamed
from harness.weights import all_finite

if TYPE_CHECKING:
    from torch import Tensor, nn

TOLD = 3
"""Names of weights in a sentence."""
LONGEST = 300
"""Characters of what a library said."""


class UnusableWeightsError(Exception):
    """Raised when a file cannot become these weights; the message is a sentence for the user."""


def convert(file: Path, name: str, out: Path) -> bool:
    """Write the weights of a file as timm's own; return whether its last layer was kept, too.

    Raises:
        UnusableWeightsError: it holds no weights, or those of another network.
    """
    torch.manual_seed(0)  # a last layer that does not fit is replaced by a new one, always the same
    model = timm.create_model(name)
    kept = _load_arrays(file, model) if _is_npz(file) else _load_tensors(file, model, name)
    if not all_finite(model):
        raise UnusableWeightsError("some of its weights are no finite numbers")
    save_for_hf(model, str(out), safe_serialization=True)
    return kept


def _is_npz(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return all(member.endswith(".npy") for member in archive.namelist())


def _load_arrays(file: Path, model: nn.Module) -> bool:
    """By the network's own reader of such files."""
    if not hasattr(model, "load_pretrained"):
        raise UnusableWeightsError("timm has no reader of .npz for this network: give a .pth or .safetensors")
    before = _head(model)
    try:
        model.load_pretrained(str(file))  # type: ignore[operator] # timm's, which not all networks have
    except Exception as error:  # noqa: BLE001 - timm's readers raise whatever a foreign file makes them meet
        raise UnusableWeightsError(f"timm cannot read it as this network ({_line(error)})") from None
    return any(not torch.equal(value, before[key]) for key, value in _head(model).items())


def _load_tensors(file: Path, model: nn.Module, name: str) -> bool:
    state = renamed(_read(file), model)
    fresh = model.state_dict()
    head = {key: fresh[key] for key in _head(model) if key not in state or state[key].shape != fresh[key].shape}
    whole = _as_timm_loads(name, state)
    loaded = whole or (_as_timm_loads(name, state | head) if head else None)
    if loaded is None:
        raise UnusableWeightsError(_differences(state, fresh, head))
    model.load_state_dict(loaded)
    return whole is not None


def _as_timm_loads(name: str, state: dict[str, Tensor]) -> dict[str, Any] | None:
    """What timm makes of these weights, foreign names included, for the network of this name; None: they do not fit."""
    overlay = {"state_dict": dict(state)}
    with suppress(Exception):  # timm's filters of foreign names raise whatever these make them meet
        state_dict: dict[str, Any] = timm.create_model(name, True, pretrained_cfg_overlay=overlay).state_dict()
        return state_dict
    return None


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a file, by name; the average's where there is one."""
    try:
        raw = clean_state_dict(load_file(file)) if _is_safetensors(file) else load_state_dict(str(file))
        state = {str(key): value for key, value in raw.items() if isinstance(value, torch.Tensor)}
    except Exception as error:  # noqa: BLE001 - torch raises whatever a broken file makes it meet
        more = "weights_only" in str(error)  # torch's advice would be to run it all the same
        why = "more than arrays, which nothing unpickles here" if more else _line(error)
        raise UnusableWeightsError(f"it cannot be read as a file of weights ({why})") from None
    if not state:
        raise UnusableWeightsError("it holds no weights")
    return state


def _is_safetensors(file: Path) -> bool:
    try:
        with safe_open(str(file), "pt"):
            return True
    except SafetensorError:
        return False


def _head(model: nn.Module) -> dict[str, Tensor]:
    """The weights of the last layer."""
    layers = model.pretrained_cfg.get("classifier") or ()  # type: ignore[union-attr, operator]
    prefixes = tuple(f"{layer}." for layer in ((layers,) if isinstance(layers, str) else layers))
    return {key: value.clone() for key, value in model.state_dict().items() if key.startswith(prefixes)}


def _differences(state: dict[str, Tensor], fresh: dict[str, Tensor], head: dict[str, Tensor]) -> str:
    """The first names that do not fit."""
    shapes = [
        f"{key} is {_shape(state[key])} and not {_shape(fresh[key])}"
        for key in fresh
        if key not in head and key in state and state[key].shape != fresh[key].shape
    ]
    told = {
        "": shapes,
        "it lacks ": [key for key in fresh if key not in head and key not in state],
        "the network has no ": [key for key in state if key not in fresh],
    }
    parts = [f"{words}{', '.join(keys[:TOLD])}{_more(keys)}" for words, keys in told.items() if keys]
    return f"it does not fit: {'; '.join(parts) or 'timm could not load it'}"


def _more(keys: list[str]) -> str:
    return f" and {len(keys) - TOLD} more" if len(keys) > TOLD else ""


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "one number"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__


def main() -> None:
    """Convert the file of --source."""
    parser = argparse.ArgumentParser(prog="python -m harness.pretrained.convert", description=__doc__)
    parser.add_argument("--source", type=Path, default=Path("/job/input/weights"))
    parser.add_argument("--name", required=True, help="exact timm name")
    parser.add_argument("--out", type=Path, default=Path("/job/out"))
    given = parser.parse_args()
    try:
        result: dict[str, str | bool] = {"head": convert(given.source, given.name, given.out)}
    except UnusableWeightsError as error:
        result = {"error": str(error)}
    (given.out / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
