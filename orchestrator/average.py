"""Several trained networks as one, at the end of a run: their weights averaged, or their predictions.

Members share the winner's data.py and model.py: its other seeds, and iterations that changed train.py alone. What is
made of them is an ordinary pipeline with one file of weights, so that whatever takes a winner takes it, too. It is kept
only where it beats the winner on the validation images by the test that every change has to pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from string import Template
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from orchestrator.components import write_components
from orchestrator.execute import USUAL
from orchestrator.job_files import WEIGHTS
from orchestrator.outcome import Crashed
from orchestrator.static_check import InvalidComponentError, check_component
from orchestrator.tensor_file import InvalidTensorsError, read_header, write_mean, write_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from orchestrator.components import Pipeline
    from orchestrator.execute import Executor, Terms
    from orchestrator.outcome import Trained

Form: TypeAlias = Literal["weights", "logits"]
FORMS: tuple[Form, ...] = get_args(Form)
"""The first costs nothing in prediction; the second as much as all members, so that it has to beat the first, too."""
MOST = 5
"""Members: more take their time in prediction, and the first few give most of the gain."""

WRAPPER = Template("""

# What follows is no engineer's: it predicts the mean over ${members} networks as above, trained apart.
import torch as automodel_torch

automodel_build, automodel_predict = build_model, globals().get("predict")


class AutomodelAverage(automodel_torch.nn.Module):
    def __init__(self, members):
        super().__init__()
        self.members = automodel_torch.nn.ModuleList(members)

    def forward(self, images):
        return self.mean(lambda member, images: member(images), images)

    def mean(self, logits_of, images):
        logits = [logits_of(member, images.clone()).float() for member in self.members]
        return automodel_torch.stack([each.log_softmax(1) for each in logits]).mean(0)


def build_model(task):
    return AutomodelAverage([automodel_build(task) for _ in range(${members})])


def predict(model, images):
    if isinstance(model, AutomodelAverage):
        return model.mean(predict, images)
    return automodel_predict(model, images) if automodel_predict else model(images)
""")
"""Appended to the winner's model.py. Its own `predict` is called for each member, also where it calls itself by name;
it may change images in place, hence the copies."""


class NoAverageError(ValueError):
    """Raised when members have no average of a form; the message is a sentence."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A trained network that may be averaged with others."""

    pipeline: Pipeline
    attempt: Path
    """Its folder, with weights."""
    outcome: Trained


@dataclass(frozen=True, kw_only=True)
class Average:
    """What was made of several members."""

    form: Form
    members: tuple[Member, ...]
    pipeline: Pipeline
    attempt: Path
    """A folder like that of any attempt: components, weights, task, logits of the validation images."""
    outcome: Trained
    """Its seconds are those of all members together: it is never the faster one."""

    @property
    def change(self) -> str:
        """A short line for a table."""
        return f"the mean of {len(self.members)} networks' {self.form}"


def shares_network(pipeline: Pipeline, winner: Pipeline) -> bool:
    """Whether weights of the one are weights of the other: they differ in train.py at the most."""
    return (pipeline.data, pipeline.model) == (winner.data, winner.model)


def choose_members(winner: Member, others: Iterable[Member]) -> tuple[Member, ...]:
    """The winner, and the best of those that fit and are about as good, with a score inside the winner's interval."""
    fitting = [
        other
        for other in others
        if other.attempt != winner.attempt
        and shares_network(other.pipeline, winner.pipeline)
        and other.outcome.score.accuracy >= winner.outcome.score.interval[0]
        and (other.attempt / WEIGHTS).exists()
    ]
    fitting.sort(key=lambda member: -member.outcome.score.accuracy)
    return (winner, *fitting[: MOST - 1])


def try_averages(  # noqa: PLR0913 - what it is made of, by what, judged by what
    members: Sequence[Member],
    executor: Executor,
    place: Path,
    *,
    better: Callable[[Trained, Trained], bool],
    say: Callable[[str], None],
    terms: Terms = USUAL,
) -> Average | None:
    """Make both forms and predict the validation images; the one to keep, or None where the winner stays.

    Args:
        members: Of `choose_members`: the winner first.
        executor: Of the run.
        place: A folder to be made; each form's attempt goes below it.
        better: Whether a candidate is better than what stands: the test that each change has to pass.
        say: Tell the user a line.
        terms: On which the winner was trained.

    Raises:
        SandboxError: the sandbox failed, twice, and not the pipeline.
    """
    if len(members) < 2:
        say("     average: no other network shares the winner's data.py and model.py and is about as good.")
        return None
    kept: Average | None = None
    for form in FORMS:
        try:
            made = make_average(form, members, executor, place / form, terms)
        except NoAverageError as error:
            say(f"     average of {form}: {error}")
            continue
        wins = better(made.outcome, (kept or members[0]).outcome)
        say(f"     {made.change}: {made.outcome.score.accuracy:.4f} on validation, {'kept' if wins else 'discarded'}.")
        lost, kept = (kept, made) if wins else (made, kept)
        if lost:
            (lost.attempt / WEIGHTS).unlink()
    return kept


def averaged(form: Form, members: Sequence[Member]) -> Pipeline:
    """The pipeline whose network is an average of the members."""
    winner = members[0].pipeline
    if form == "weights":
        return winner
    return winner.with_component("model", winner.model + WRAPPER.substitute(members=len(members)))


def make_average(
    form: Form, members: Sequence[Member], executor: Executor, attempt: Path, terms: Terms = USUAL
) -> Average:
    """Make one form of the members' average, and have it predict the validation images. `attempt`: a folder to be made.

    Raises:
        NoAverageError: they have none of this form, or it gave no logits.
        SandboxError: the sandbox failed, twice, and not the pipeline.
    """
    pipeline = averaged(form, members)
    made = attempt.with_name(f"{attempt.name}.{WEIGHTS}")
    made.parent.mkdir(parents=True, exist_ok=True)
    try:
        check_component("model", pipeline.model)
        files = [read_header(member.attempt / WEIGHTS) for member in members]
        if form == "logits":
            write_stack(files, made, "members.")
        else:
            write_mean(files, made)
        outcome = executor.score_validation(pipeline, made, attempt, terms)
    except (InvalidComponentError, InvalidTensorsError) as error:
        raise NoAverageError(str(error)) from None
    finally:
        made.unlink(missing_ok=True)
    if isinstance(outcome, Crashed):
        raise NoAverageError(f"it crashed: {outcome.crash.error}")
    write_components(pipeline, attempt / "components")
    seconds = outcome.seconds + sum(member.outcome.seconds for member in members)
    networks = len(members) if form == "logits" else 1
    report = replace(outcome.report, parameters=networks * members[0].outcome.report.parameters)
    outcome = replace(outcome, seconds=seconds, report=report)
    return Average(form=form, members=tuple(members), pipeline=pipeline, attempt=attempt, outcome=outcome)
