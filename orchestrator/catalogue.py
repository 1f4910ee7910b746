"""The moves of the playbook, and which of them suit which diagnosis, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.moves import BOLD, FINE, Candidate, Move, Stage, take

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.diagnosis import Finding
    from prompts.recipe import Recipe, Value

MOVES: dict[str, Move] = {
    "stronger shifts": Move(parameter="shift", add=0.08, why="Larger shifts show each image in more places."),
    "weaker shifts": Move(parameter="shift", add=-0.08, why="Smaller shifts keep the images whole."),
    "stronger rotation": Move(parameter="rotate", add=8.0, why="Rotations show each image in more ways."),
    "weaker rotation": Move(parameter="rotate", times=0.25, why="Less rotation is nearer to the images as they are."),
    "stronger zoom": Move(parameter="zoom", add=0.1, why="Other sizes show each image in more ways."),
    "jitter": Move(
        parameter="jitter", add=0.3, why="Changes of brightness and contrast leave the shape to learn from."
    ),
    "smaller crops": Move(parameter="smallest_crop", times=0.5, why="Smaller crops show each image in more ways."),
    "larger crops": Move(parameter="smallest_crop", times=1.7, why="Larger crops are nearer to the whole image."),
    "stronger policy": Move(
        parameter="policy",
        to=("none", "trivial", "rand"),
        why="More automatic augmentation is harder to learn by heart.",
    ),
    "weaker policy": Move(
        parameter="policy", to=("rand", "trivial", "none"), why="Less automatic augmentation leaves more to learn from."
    ),
    "more erasing": Move(
        parameter="erase", add=0.25, why="What is erased cannot be relied on: more of the image counts."
    ),
    "less erasing": Move(parameter="erase", add=-0.25, why="Whole images are easier to learn."),
    "more MixUp": Move(parameter="mixup", add=0.2, why="MixUp smooths what is learnt between the classes."),
    "less MixUp": Move(parameter="mixup", add=-0.2, why="Unmixed images are easier to learn."),
    "more CutMix": Move(parameter="cutmix", add=1.0, why="CutMix makes every part of an image count."),
    "less CutMix": Move(parameter="cutmix", add=-1.0, why="Unmixed images are easier to learn."),
    "no flips": Move(parameter="flip", to=(True, False), why="Mirror images may mean something else."),
    "wider": Move(parameter="width", times=2.0, cost=2.0, why="A wider network has more to learn with."),
    "narrower": Move(
        parameter="width", times=0.5, cost=2.0, why="A narrower network is faster and learns less by heart."
    ),
    "deeper": Move(parameter="blocks", add=1.0, cost=0.7, why="A deeper network sees more of the image at once."),
    "shallower": Move(parameter="blocks", add=-1.0, cost=0.7, why="A shallower network is faster and easier to train."),
    "larger network": Move(
        parameter="architecture",
        to=("mobilenetv3_small_100", "resnet10t", "resnet18d", "resnet34d", "resnet50d"),
        why="A larger network has more to learn with.",
    ),
    "smaller network": Move(
        parameter="architecture",
        to=("resnet50d", "resnet34d", "resnet18d", "resnet10t", "mobilenetv3_small_100"),
        why="A smaller network is faster.",
    ),
    "more dropout": Move(
        parameter="dropout", add=0.2, why="Dropout keeps the last layer from relying on single features."
    ),
    "less dropout": Move(parameter="dropout", add=-0.2, why="All features may be used."),
    "more drop path": Move(parameter="drop_path", add=0.1, why="Skipped branches regularize a deep network."),
    "higher resolution": Move(parameter="resolution", times=1.5, cost=2.0, why="More pixels show more detail."),
    "lower resolution": Move(parameter="resolution", times=0.6, cost=2.0, why="Fewer pixels take less time."),
    "larger images": Move(parameter="side", times=1.5, cost=2.0, why="More pixels show more detail."),
    "smaller images": Move(parameter="side", times=0.6, cost=2.0, why="Fewer pixels take less time."),
    "shifted views": Move(
        parameter="views", to=("none", "shifts"), why="Predictions averaged over shifted views are steadier."
    ),
    "single view": Move(parameter="views", to=("flip", "none"), why="Mirror images may mean something else."),
    "longer": Move(parameter="epochs", times=2.0, cost=1.0, why="A longer schedule has more time to settle."),
    "shorter": Move(parameter="epochs", times=0.5, cost=1.0, why="A shorter schedule is complete before the clock is."),
    "higher rate": Move(parameter="learning_rate", times=2.5, why="A higher learning rate gets further, and flatter."),
    "lower rate": Move(parameter="learning_rate", times=0.3, why="A lower learning rate is calmer."),
    "larger batches": Move(parameter="batch_size", times=2.0, cost=-0.2, why="Larger batches are faster and calmer."),
    "smaller batches": Move(parameter="batch_size", times=0.5, cost=-0.2, why="Smaller batches take more steps."),
    "more weight decay": Move(parameter="weight_decay", times=3.0, why="Smaller weights generalize better."),
    "less weight decay": Move(parameter="weight_decay", times=0.3, why="Freer weights fit better."),
    "more smoothing": Move(parameter="label_smoothing", add=0.1, why="Softer targets are harder to learn by heart."),
    "less smoothing": Move(parameter="label_smoothing", add=-0.1, why="Harder targets are learnt more exactly."),
    "longer average": Move(parameter="average", add=2.0, why="An average over more epochs is steadier."),
    "tighter clipping": Move(parameter="clip", times=0.2, why="Clipped gradients cannot throw the weights off."),
    "longer warm-up": Move(parameter="warm_up", add=0.15, why="A slower start keeps the first steps small."),
    "class weights": Move(parameter="class_weights", add=0.5, why="Rare classes count more in the loss."),
    "freer early layers": Move(parameter="layer_decay", add=0.1, why="The early layers may adapt to these images."),
    "steadier early layers": Move(parameter="layer_decay", add=-0.1, why="The early layers keep what was pretrained."),
}

FOR: dict[Finding, tuple[str, ...]] = {
    "dead": ("lower rate", "longer warm-up", "tighter clipping", "weaker policy", "less CutMix", "less MixUp", "wider"),
    "slow": (
        "larger batches",
        "narrower",
        "lower resolution",
        "smaller images",
        "smaller network",
        "shallower",
        "shorter",
    ),
    "unstable": ("lower rate", "longer warm-up", "tighter clipping", "larger batches", "longer average"),
    "unbalanced": ("class weights", "more CutMix", "longer", "stronger shifts", "smaller crops"),
    "overfit": (
        "more MixUp",
        "stronger policy",
        "smaller crops",
        "stronger rotation",
        "more erasing",
        "more CutMix",
        "stronger shifts",
        "stronger zoom",
        "more weight decay",
        "jitter",
        "more dropout",
        "more drop path",
        "more smoothing",
        "longer average",
        "narrower",
    ),
    "underfit": (
        "longer",
        "wider",
        "higher resolution",
        "larger images",
        "larger network",
        "deeper",
        "freer early layers",
        "higher rate",
        "weaker policy",
        "less CutMix",
        "less MixUp",
        "less erasing",
        "larger crops",
        "weaker rotation",
        "weaker shifts",
        "less dropout",
        "less weight decay",
        "smaller batches",
    ),
    "converged": (
        "longer",
        "wider",
        "longer average",
        "higher resolution",
        "larger images",
        "deeper",
        "larger network",
        "stronger rotation",
        "more MixUp",
        "more erasing",
        "stronger shifts",
        "more weight decay",
        "less smoothing",
        "shifted views",
        "higher rate",
        "no flips",
        "single view",
    ),
}


def candidates(recipe: Recipe, values: Mapping[str, Value], finding: Finding) -> Iterator[Candidate]:
    """Every move from these values: those for the finding, bold and fine, then bold ones of all the others."""
    rest = [name for name in MOVES if name not in FOR[finding]]
    for stage, size, names in (
        (Stage.BOLD, BOLD, FOR[finding]),
        (Stage.FINE, FINE, FOR[finding]),
        (Stage.REST, BOLD, rest),
    ):
        for name in names:
            candidate = take(recipe, values, MOVES[name], size=size, stage=stage)
            if candidate is not None:
                yield candidate
