"""Every system of the paper's tables, and ours: what each is as settings, and which tables it stands in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.bench.paper.measured import Measured

By: TypeAlias = Literal["run", "script", "full", "vpt-shallow", "vpt-deep"]
"""A run of AutoModel; one script of a language model; a ViT, tuned."""

RULES: Mapping[str, Any] = {"run_candidates": 1, "run_average": False, "run_refit": False}
"""Of the paper and of every run here: one change in an iteration, and nothing after the last."""
PAPER: Mapping[str, Any] = {**RULES, "run_protocol": "paper"}
CAREFUL: Mapping[str, Any] = {**RULES, "run_protocol": "careful"}


@dataclass(frozen=True, kw_only=True)
class System:
    """One way to come to a classifier."""

    key: str
    by: By
    knobs: Mapping[str, Any] = field(default_factory=dict)
    """That make it what it is."""
    asks: bool = False
    """Whether it asks a language model."""
    smaller: bool = False
    """Whether that is the smaller one."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a table: a system, and which of its accuracies."""

    key: str
    """As in published.toml, where the paper has a number."""
    title: str
    system: System
    first: bool = False
    """After the first iteration."""

    def read(self, measured: Measured) -> Measured:
        """The part of what a cell came to that this line is about."""
        return measured.after_first() if self.first else measured


AUTOMODEL = System(key="automodel", by="run", knobs=PAPER, asks=True)
OURS = System(key="automodel-careful", by="run", knobs=CAREFUL, asks=True)
IN_TURN = System(key="no-zero-shot", by="run", knobs={**PAPER, "run_zero_shot_init": False}, asks=True)
UNTOLD = System(key="no-information", by="run", knobs={**PAPER, "run_dataset_info": False}, asks=True)
SCRIPT = System(key="zero-shot", by="script", asks=True)
SMALLER, SMALLER_SCRIPT = replace(AUTOMODEL, smaller=True), replace(SCRIPT, smaller=True)
PLAYBOOK = System(key="playbook", by="run", knobs={**PAPER, "llm_provider": "playbook"})
PLAYBOOK_OURS = System(key="playbook-careful", by="run", knobs={**CAREFUL, "llm_provider": "playbook"})

ZERO_SHOT = Row(key="zero-shot", title="LLM zero-shot", system=SCRIPT)
FINAL = Row(key="automodel", title="AutoModel, final", system=AUTOMODEL)
MAIN = (
    ZERO_SHOT,
    Row(key="automodel-first", title="AutoModel, first iteration", system=AUTOMODEL, first=True),
    FINAL,
    Row(key="automodel-careful", title="AutoModel, final, this project's selection", system=OURS),
)
BOOK = (
    Row(key="playbook-first", title="playbook (ours), first iteration", system=PLAYBOOK, first=True),
    Row(key="playbook", title="playbook (ours), final", system=PLAYBOOK),
    Row(key="playbook-careful", title="playbook (ours), final, this project's selection", system=PLAYBOOK_OURS),
)
TUNED = (
    Row(key="full", title="full fine-tuning of the ViT", system=System(key="full", by="full")),
    Row(key="vpt-shallow", title="VPT-shallow", system=System(key="vpt-shallow", by="vpt-shallow")),
    Row(key="vpt-deep", title="VPT-deep", system=System(key="vpt-deep", by="vpt-deep")),
)
ABLATIONS = (
    Row(key="no-zero-shot-initialization", title="AutoModel, no zero-shot initialization", system=IN_TURN),
    replace(FINAL, title="AutoModel, final, with both"),
    Row(key="no-information", title="AutoModel, no dataset information", system=UNTOLD),
    ZERO_SHOT,
)
SMALL = (
    Row(key="smaller-zero-shot", title="LLM zero-shot, smaller", system=SMALLER_SCRIPT),
    Row(key="smaller-first", title="AutoModel, smaller, first iteration", system=SMALLER, first=True),
    Row(key="smaller-automodel", title="AutoModel, smaller, final", system=SMALLER),
)
PAIRS = (("automodel", "automodel-careful"), ("playbook", "playbook-careful"))
"""Rows that differ in nothing but the rule of selection: the paper's, and this project's."""
ROWS: Mapping[int, tuple[Row, ...]] = {
    1: (*MAIN, *BOOK),
    2: (*MAIN, *TUNED, *BOOK),
    3: (*MAIN, *BOOK),
    4: (*ABLATIONS, *BOOK),
    5: (*SMALL, *BOOK),
}
"""Table -> its lines."""
