"""Which recipe suits a task, and how it is set: rules of size, channels, counts, weights, device and clock.

Speeds are rough (measured on two CPU cores, guessed for GPUs from published figures); every schedule follows the clock
as well, so a wrong guess makes a schedule coarser, never incomplete.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.backbones import BACKBONES, UNKNOWN_COST, architecture_of, cost_of, loadable
from orchestrator.directions import forbids_mirrors, forbids_turns
from orchestrator.team import Choice
from prompts.recipe import read_recipe

if TYPE_CHECKING:
    from orchestrator.team import Profile
    from prompts.recipe import Value

SMALL = 96
"""Pixels: up to here images are augmented as batches at their own size."""
TINY = 40
"""Pixels: grey images up to here are digits, letters, symbols, more often than not."""
FEW = 300
"""Images of a class, below which regularization matters more than anything."""
FEW_AT_ALL = 10_000
"""Images, from which on a large network has enough to learn from, however many classes there are."""
MANY = 100
"""Classes."""

PER_PIXEL: dict[str, float] = {"tiny-grey": 130, "small-colour": 90, "many-classes": 27_648, "small-data": 130}
"""Recipe -> multiplications that a pixel takes at width 1; they grow with the square of the width."""
FROM_SCRATCH: dict[str, float] = {"resnet10t": 1.1, "resnet18d": 2.1}
"""What large photos are learnt with: timm name -> billions of multiplications an image of 224 pixels takes."""
FURTHEST = 20.0
"""Factor by which a machine may be faster or slower than guessed; a report that says more is wrong."""
RESOLUTIONS = (224, 160, 128, 96, 64)


def choices(profile: Profile) -> tuple[Choice, ...]:
    """The recipes that suit, the best first, each set for this task; where a network is imposed, the one with it."""
    tuned = _fine_tune(profile)
    if tuned and profile.task.backbone:
        return (tuned,)
    return (*((tuned,) if tuned else ()), *_from_scratch(profile))


def paced(profile: Profile, choice: Choice, epoch_seconds: float) -> Profile:
    """The profile with the pace of this machine, once a choice has trained on it at so many seconds an epoch."""
    speed = _multiplications(profile, choice) * profile.task.train_size / epoch_seconds
    pace = speed / _guess(profile, slow=choice.recipe.startswith("fine-tune"))
    return replace(profile, pace=min(max(pace, 1 / FURTHEST), FURTHEST))


def seconds(profile: Profile) -> float:
    """What one training is worth: most of the clock where there are many images, a minute where there are few."""
    return min(0.7 * profile.task.seconds, max(60.0, 0.1 * profile.task.train_size))


def _from_scratch(profile: Profile) -> tuple[Choice, ...]:
    task, side = profile.task, max(profile.median_size)
    small = task.image_size is not None and side <= SMALL
    few = task.train_size < min(FEW * task.num_classes, FEW_AT_ALL)
    if small and task.channels == 1 and side <= TINY:
        return _tiny_grey(profile), _small_colour(profile)
    if few:
        return _small_data(profile), _small_colour(profile) if small else _large_photos(profile)
    if not small:
        return _large_photos(profile), _small_data(profile)
    if task.num_classes >= MANY:
        return _many_classes(profile), _small_colour(profile)
    return _small_colour(profile), _many_classes(profile)


def _tiny_grey(profile: Profile) -> Choice:
    side = max(profile.median_size)
    width, epochs = _width(profile, "tiny-grey", (64, 32, 16) if side >= 20 else (24,), least=20)
    steps = max(12, min(200, round(50_000 / profile.task.train_size)))
    turned = forbids_turns(profile.task.classes, profile.description)
    values: dict[str, Value] = {"rotate": 0.0} if turned else {}
    batch = _batch(profile, 64)
    return Choice(
        recipe="tiny-grey", values={"width": width, "epochs": min(epochs, steps), "batch_size": batch, **values}
    )


def _small_colour(profile: Profile) -> Choice:
    width, epochs = _width(profile, "small-colour", (64, 32, 16), least=15)
    values = {"width": width, "epochs": min(epochs, _passes(profile)), "batch_size": _batch(profile, 256)}
    return Choice(recipe="small-colour", values={**values, **_directed(profile, "small-colour")})


def _many_classes(profile: Profile) -> Choice:
    width, epochs = _width(profile, "many-classes", (8, 4, 2, 1), least=20)
    values = {"width": width, "epochs": min(epochs, _passes(profile)), "batch_size": _batch(profile, 128)}
    return Choice(recipe="many-classes", values={**values, **_directed(profile, "many-classes")})


def _small_data(profile: Profile) -> Choice:
    width, epochs = _width(profile, "small-data", (32, 16), least=100)
    worth = min(300, 40 + round(20_000 / profile.task.train_size))
    values: dict[str, Value] = {"width": width, "epochs": min(epochs, worth)}
    values |= {"rotate": 0.0} if forbids_turns(profile.task.classes, profile.description) else {}
    return Choice(recipe="small-data", values={**values, **_directed(profile, "small-data")})


def _large_photos(profile: Profile) -> Choice:
    architecture = "resnet10t" if profile.task.device == "cpu" else "resnet18d"
    side, epochs = _resolution(profile, FROM_SCRATCH[architecture] * 1e9, least=30)
    values: dict[str, Value] = {"architecture": architecture, "side": side, "epochs": min(epochs, _passes(profile))}
    values |= {"batch_size": _batch(profile, 64)}
    return Choice(recipe="large-photos", values={**values, **_directed(profile, "large-photos")})


def _fine_tune(profile: Profile) -> Choice | None:
    """With the best weights for which five epochs fit, rather at 128 pixels or more; None where there are none.

    A network that is imposed is taken, weights or not, however few epochs fit.
    """
    task, side = profile.task, max(profile.median_size)
    if task.channels == 1 and side <= TINY and not task.backbone:
        return None
    ranked = [name for name in BACKBONES if name in loadable(profile)] or loadable(profile)[:1]
    least = 15 if task.device == "cpu" else 8  # on a CPU pixels cost more than they bring
    for smallest in (128, RESOLUTIONS[-1]):
        for name in ranked:
            resolution, epochs = _resolution(profile, cost_of(name), least=least, slow=True, smallest=smallest)
            if epochs >= 5:
                return _tuned(profile, name, resolution, epochs)
    return _tuned(profile, ranked[0], RESOLUTIONS[-1], 5) if task.backbone else None


def _tuned(profile: Profile, name: str, resolution: int, epochs: int) -> Choice:
    small = profile.task.image_size is not None and max(profile.median_size) <= SMALL
    recipe = "fine-tune-small" if small else "fine-tune-photos"
    values: dict[str, Value] = {"backbone": name, "resolution": resolution, "epochs": min(epochs, 15)}
    values |= {"batch_size": _batch(profile, 64)} | ({} if small else {"side": resolution})
    values |= {"learning_rate": 2e-4 if name.startswith("vit") else 5e-4 if name.startswith("convnext") else 2e-3}
    if architecture_of(name) == name:  # from scratch: all layers have to learn, and for longer
        values |= {"epochs": min(epochs, _passes(profile)), "learning_rate": 1e-3, "layer_decay": 1.0}
    return Choice(recipe=recipe, values={**values, **_directed(profile, recipe)})


def _directed(profile: Profile, recipe: str) -> dict[str, Value]:
    """No mirror images where they may be of another class."""
    if not forbids_mirrors(profile.task.classes, profile.description):
        return {}
    off: dict[str, Value] = {"flip": False, "flip_views": False, "views": "none"}
    return {
        parameter.name: off[parameter.name] for parameter in read_recipe(recipe).parameters if parameter.name in off
    }


def _batch(profile: Profile, usual: int) -> int:
    """At least 20 steps in an epoch, unless the batch would be smaller than 16."""
    batch = usual
    while batch > 16 and profile.task.train_size < 20 * batch:
        batch //= 2
    return batch


def _passes(profile: Profile) -> int:
    """Epochs that are worth it: 30 for 50,000 images, 100 for few."""
    return max(20, min(100, round(1_500_000 / profile.task.train_size)))


def _width(profile: Profile, recipe: str, widths: tuple[int, ...], least: int) -> tuple[int, int]:
    """The largest width at which enough epochs fit, and as many as fit."""
    for width in widths:
        epochs = _epochs(profile, _multiplications(profile, Choice(recipe=recipe, values={"width": width})))
        if epochs >= least:
            break
    return width, max(3, epochs)


def _resolution(
    profile: Profile, cost: float, least: int, *, slow: bool = False, smallest: int = RESOLUTIONS[-1]
) -> tuple[int, int]:
    """The largest resolution at which enough epochs fit, and as many as fit; `cost`: multiplications at 224 pixels."""
    wide = max(smallest, 4 * max(profile.median_size))  # enlarged by more, small images gain nothing
    useful = [side for side in RESOLUTIONS if smallest <= side <= wide]
    for side in useful:
        epochs = _epochs(profile, cost * (side / 224) ** 2, slow=slow)
        if epochs >= least:
            break
    return side, max(1, epochs)


def _epochs(profile: Profile, multiplications: float, *, slow: bool = False) -> int:
    """That fit into the time, for a network of so many multiplications; `slow`: depthwise convolutions, attention."""
    speed = _guess(profile, slow=slow) * profile.pace
    return int(seconds(profile) * speed / (multiplications * profile.task.train_size))


def _guess(profile: Profile, *, slow: bool) -> float:
    """Multiplications a second."""
    if profile.task.device == "cpu":
        return (4e9 if slow else 8e9) * profile.cores
    return 3e12 if slow else 6e12


def _multiplications(profile: Profile, choice: Choice) -> float:
    """Of one image."""
    values = read_recipe(choice.recipe).complete(choice.values)
    if choice.recipe in PER_PIXEL:
        side = _shrunk(max(profile.median_size))
        return PER_PIXEL[choice.recipe] * (side * float(values["width"])) ** 2
    if choice.recipe == "large-photos":
        return FROM_SCRATCH.get(str(values["architecture"]), UNKNOWN_COST) * 1e9 * (float(values["side"]) / 224) ** 2
    return cost_of(str(values["backbone"])) * (float(values["resolution"]) / 224) ** 2


def _shrunk(side: int) -> int:
    while side > 48:
        side //= 2
    return side
