"""The networks of timm: which the playbook knows, what they cost, and the one that a user imposes (RUN_BACKBONE)."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from orchestrator.errors import SettingsError
from orchestrator.timm_names import timm_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.settings import Settings
    from orchestrator.team import Choice, Profile
    from sandbox.base import Sandbox

BACKBONES: dict[str, float] = {
    "convnext_base.fb_in22k_ft_in1k": 15.4,
    "vit_base_patch16_224.augreg2_in21k_ft_in1k": 17.6,
    "vit_base_patch16_224.augreg_in21k": 17.6,
    "convnext_small.in12k_ft_in1k": 8.7,
    "convnext_tiny.in12k_ft_in1k": 4.5,
    "convnext_tiny.fb_in22k_ft_in1k": 4.5,
    "convnextv2_tiny.fcmae_ft_in22k_in1k": 4.5,
    "vit_small_patch16_224.augreg_in21k_ft_in1k": 4.6,
    "convnext_nano.in12k_ft_in1k": 2.5,
    "efficientnetv2_rw_s.ra2_in1k": 8.4,
    "efficientnet_b3.ra2_in1k": 1.8,
    "resnet50.a1_in1k": 4.1,
    "efficientnet_b0.ra_in1k": 0.4,
    "vit_tiny_patch16_224.augreg_in21k_ft_in1k": 1.3,
    "tf_efficientnet_lite0.in1k": 0.4,
    "resnet18.a1_in1k": 1.8,
    "mobilenetv3_small_100.lamb_in1k": 0.06,
    "resnet10t.c3_in1k": 1.1,
}
"""The best first: exact timm name -> billions of multiplications an image of 224 pixels takes."""
UNKNOWN_COST = 5.0
"""Billions of multiplications, for networks that are not in the list."""


def architecture_of(name: str) -> str:
    """What is left of an exact name without its tag."""
    return name.partition(".")[0]


def weights_of(architecture: str, names: Iterable[str]) -> tuple[str, ...]:
    """The exact names among these that are of an architecture."""
    return tuple(name for name in names if architecture_of(name) == architecture)


def cost_of(name: str) -> float:
    """Multiplications of a network at 224 pixels; weights of another name may be of one that is known."""
    alike = (BACKBONES[known] for known in weights_of(architecture_of(name), BACKBONES))
    return BACKBONES.get(name, next(alike, UNKNOWN_COST)) * 1e9


def loadable(profile: Profile) -> tuple[str, ...]:
    """Pretrained weights that may be asked for: those that are here and, where more are fetched, the known ones.

    Where a network is imposed, those of its kind, or its name without a tag where there are none: random weights.
    """
    known = tuple(dict.fromkeys((*profile.task.weights, *(BACKBONES if profile.fetches else ()))))
    imposed = profile.task.backbone
    return weights_of(imposed, known) or (imposed,) if imposed else known


def obeys(profile: Profile, choice: Choice) -> bool:
    """Whether a choice has the network that is imposed, if one is."""
    imposed = profile.task.backbone
    return not imposed or architecture_of(str(choice.values.get("backbone", ""))) == imposed


def require_architecture(settings: Settings, sandbox: Sandbox) -> None:
    """Have the imposed network, if one is, be one that the timm of the sandbox has weights of.

    Raises:
        SettingsError: it is none; the sentence says what is like it.
        AutoModelError: the sandbox could not say.
        SandboxError: the sandbox failed.
    """
    wanted = settings.run_backbone
    if not wanted:
        return
    names = timm_names(sandbox, settings.weights_dir.resolve())
    known = {architecture_of(name) for name in names.licences}
    if wanted not in known:
        near = difflib.get_close_matches(architecture_of(wanted), sorted(known), n=3)
        shown = f"; did you mean {' or '.join(near)}?" if near else ": `automodel weights list --all` names them."
        raise SettingsError(
            f"RUN_BACKBONE is {wanted[:100]!r}, which is none of the {len(known)} architectures of timm {names.timm} "
            f"(names without a tag){shown}"
        )
