"""README.md of an exported folder: what the model is, how good, from what, and what it must not be believed for."""

from __future__ import annotations

import ast
import html
import re
from typing import TYPE_CHECKING, Any

from harness.report import printable
from orchestrator.dataset_notes import dataset_notes
from orchestrator.parity import CLOSE, ONNX
from prompts.words import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.export import Source
    from orchestrator.parity import Parity

PAIRS = 8
"""Of classes that are taken for each other, the commonest."""
NAMED = 30
"""Classes that are named in the first sentence."""


def model_card(source: Source, parity: Parity, licences: Mapping[str, str]) -> str:
    """The card in Markdown; `licences`: of the pretrained weights, by name."""
    task, facts = source.recorded.model.task, source.dataset.facts
    shown = [plain(name) for name in task.classes[:NAMED]]
    more = [f"{len(task.classes) - NAMED} more"] if len(task.classes) > NAMED else []
    versions = ", ".join(f"{name} {version}" for name, version in parity.told.versions.items())
    return render(
        "model_card",
        title=f"A classifier of {len(task.classes)} classes: {plain(facts.name)}",
        classes=f"{len(task.classes)} classes ({', '.join([*shown, *more])})",
        run=source.recorded.run.name,
        dataset=plain(facts.name),
        versions=f"tried with {versions}" if versions else "any versions of about one date",
        author=_author(source.summary),
        graph=_graph(source, parity),
        metrics="\n".join(_metrics(source.summary)),
        confused=_confused(source.summary, task.classes),
        data="\n".join(_data(source)),
        method="\n".join(_method(source)),
        limits="\n".join(f"- {line}" for line in _limits(source)),
        preparation=_preparation(source),
        parity="\n".join(f"- {plain(line)}" for line in parity_lines(parity)),
        licences="\n".join(f"- {line}" for line in _licences(source, parity, licences)),
    ) + "\n"  # fmt: skip


def parity_lines(parity: Parity) -> Iterator[str]:
    """What was compared, for the card and the terminal."""
    of = f"of {parity.predictor.images} held-back images"
    yield f"predict.py beside the run's own way, {of}: {parity.predictor.sentence}."
    if parity.onnx:
        yield f"{ONNX} by onnxruntime, {of}: {parity.onnx.sentence}."
    else:
        yield f"There is no {ONNX}: {parity.problem.rstrip('.')}."
    yield f"More than {CLOSE:g}, or another class, and it would not have been given out."


def plain(text: str) -> str:
    """A text of others as one line of Markdown that means nothing but itself."""
    shown = html.escape(" ".join(printable(text).split()), quote=False)
    return "".join(f"\\{char}" if char in "\\`*_[]|#!" else char for char in shown)


def _author(summary: Mapping[str, Any]) -> str:
    team = plain(str(summary["provider"]))
    return "a rule-based team out of proven recipes" if team == "playbook" else f"language models ({team})"


def _graph(source: Source, parity: Parity) -> str:
    if parity.onnx is None:
        return f"There is no ONNX file: {plain(parity.problem).rstrip('.')}."
    tree = ast.parse(source.recorded.model.pipeline.model)
    own = any(isinstance(node, ast.FunctionDef) and node.name == "predict" for node in tree.body)
    shape = ", ".join(["batch", *map(str, parity.told.input)])
    what = "with the averaging of `predict` in model.py around it" if own else "as `build_model` makes it"
    return render("model_card_onnx", what=what, shape=shape)


def _metrics(summary: Mapping[str, Any]) -> Iterator[str]:
    test, ending = summary["test"], summary.get("ending")
    yield "| split | accuracy | 95 % interval | images |"
    yield "| --- | --- | --- | --- |"
    validation = ending["validation"] if ending else summary["validation"]
    for name, score in (("test, looked at once, at the end", test), ("validation, chosen on", validation)):
        if score:
            low, high = score["interval"]
            yield f"| {name} | {score['accuracy']:.4f} | {low:.4f} to {high:.4f} | {score['images']} |"
    yield ""
    yield f"Always naming the most frequent class would have {summary['majority']:.4f} on the test images."
    yield (
        f"Macro F1 {test['macro_f1']:.4f}, log loss {test['log_loss']:.4f}, calibration error "
        f"{test['calibration_error']:.4f} (how far probabilities are from how often they are right)."
    )
    seeds = summary["seeds"]["test"]
    if len(seeds["accuracies"]) > 1:
        yield (
            f"The winner, trained with {len(seeds['accuracies'])} seeds, had {min(seeds['accuracies']):.4f} to "
            f"{max(seeds['accuracies']):.4f}."
        )


def _confused(summary: Mapping[str, Any], classes: tuple[str, ...]) -> str:
    """The pairs that are confused most often."""
    rows = summary["test"]["confusion"]
    cells = [(count, row, column) for row, counts in enumerate(rows) for column, count in enumerate(counts)]
    wrong = sorted((cell for cell in cells if cell[1] != cell[2] and cell[0]), key=lambda cell: (-cell[0], *cell[1:]))
    if not wrong:
        return "No test image was taken for another class."
    lines = [
        f"| {plain(classes[row])} | {plain(classes[column])} | {count} of {sum(rows[row])} |"
        for count, row, column in wrong[:PAIRS]
    ]
    return "\n".join(
        ["Most often confused, of the test images:", "", "| is | taken for | images |", "| --- " * 3 + "|", *lines]
    )


def _data(source: Source) -> Iterator[str]:
    facts = source.dataset.facts
    counts = ", ".join(f"{split.images} {name}" for name, split in facts.splits.items())
    yield f"{plain(facts.name)}: {plain(facts.description) or 'nobody described it.'}"
    yield f"Images: {counts}. Originals are {_size(facts.sizes['smallest'])} to {_size(facts.sizes['largest'])} pixels."
    yield ""
    yield from (f"- {plain(note)}" for note in dataset_notes(facts))


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"


def _method(source: Source) -> Iterator[str]:
    summary, recorded = source.summary, source.recorded
    yield (
        f"A draft and {summary['iterations']} changes to it, one at a time ({summary['failed']} failed); what helped "
        f"on validation images was kept. It ended: {plain(summary['ended'])}. Test images took no part in any choice."
    )
    if summary.get("ending"):
        yield plain(summary["ending"]["sentence"])
    yield f"The code is in `components/`: data, network and training. Its seed was {recorded.model.task.seed}."
    if verdict := (summary.get("audit") or {}).get("verdict"):
        yield f"Trained again on shuffled labels and with another seed, for an audit: {plain(str(verdict))}."


def _limits(source: Source) -> Iterator[str]:
    yield "Every image gets one of the classes, also one that shows none of them: there is no threshold."
    yield "The accuracy is that of images like those of the dataset: other cameras, places or times may be worse."
    yield "A probability is what the network says, not how often it is right; see the calibration error above."
    if source.recorded.refit:
        yield "The validation images were learnt in the end, too, so that there is no validation number."


def _preparation(source: Source) -> str:
    model = source.recorded.model
    tree = ast.parse(model.pipeline.data)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "eval_transform"]
    code = (ast.get_source_segment(model.pipeline.data, found[-1]) if found else "") or "# see components/data.py"
    code = printable(code)
    longest = max(map(len, re.findall("`+", code)), default=0)
    size = model.task.image_size
    return render(
        "model_card_images",
        ceiling=f"{model.preparation.ceiling:g}",
        mode="made grey" if model.task.channels == 1 else "made RGB",
        max_side=str(model.preparation.max_side),
        size=f"; one of another size is resized to {_size(size)} (Lanczos)" if size else "",
        channels=str(model.task.channels),
        fence="`" * max(3, longest + 1),
        source=code,
    )


def _licences(source: Source, parity: Parity, licences: Mapping[str, str]) -> Iterator[str]:
    yield f"Data: {plain(source.dataset.facts.licence) or 'not stated: ask whoever gave you the images'}."
    for name, licence in licences.items():
        yield f"Pretrained weights that the network began from, {name}: {plain(licence) or 'not stated'}."
    if not licences:
        known = "trained from scratch, so that nobody else's are in them"
        yield f"Weights: {known if parity.told.versions else 'whether others were their beginning is not known'}."
    yield "`predict.py` and `harness/` are part of AutoModel: Apache-2.0."
