"""Ranks on Kaggle: what Kaggle answered to a real submission, as its user tells it; nothing here computes one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.bench.paper.automodel import find_submission
from orchestrator.bench.paper.published import read_paper
from orchestrator.errors import AutoModelError, SettingsError
from orchestrator.named_datasets import NAMED
from orchestrator.run_folder import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestrator.bench.paper.figures import Figure

FILE = "ranks.json"
GIVEN = re.compile(r"([a-z0-9-]+)=(\d{1,7})/(\d{1,7})")
SUBMITTED = ("automodel", "playbook")
"""Rows whose submission it is, the first that was measured."""


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Of a dataset: the paper's, and what is known of ours."""

    dataset: str
    ours: str
    """`1234/3900`; empty: nothing was submitted."""
    paper: str
    remark: str = ""
    """What to do for it."""


def keep_ranks(study: Path, given: Sequence[str]) -> dict[str, str]:
    """Those that were given now or before, by dataset, as `1234/3900`.

    Raises:
        SettingsError: one is no rank, or is of no competition of the paper's.
        AutoModelError: what was kept is damaged.
    """
    ranks = {**_kept(study / FILE), **dict(map(_parse, given))}
    if given:
        write_json(study / FILE, ranks)
    return ranks


def rank_lines(figures: Sequence[Figure], ranks: Mapping[str, str]) -> Iterator[Rank]:
    """One for each competition that is in a table."""
    paper = {name: each for table in read_paper().tables for name, each in table.kaggle.items()}
    for dataset in dict.fromkeys(each.dataset for each in figures):
        if dataset in paper:
            ours = ranks.get(dataset, "")
            remark = "" if ours else _what_to_do(dataset, [each for each in figures if each.dataset == dataset])
            yield Rank(dataset=dataset, ours=ours, paper=f"{paper[dataset].rank}/{paper[dataset].teams}", remark=remark)


def _kept(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_bytes()) if path.exists() else {}
        return dict(_parse(f"{dataset}={rank}") for dataset, rank in kept.items())
    except (ValueError, AttributeError, SettingsError):
        raise AutoModelError(f"{path} is damaged: remove it, and give the ranks again with --rank.") from None


def _parse(text: str) -> tuple[str, str]:
    found = GIVEN.fullmatch(text)
    known = [name for table in read_paper().tables for name in table.kaggle]
    if not found or found[1] not in known or not 1 <= int(found[2]) <= int(found[3]):
        raise SettingsError(
            f"--rank {text} will not do: write DATASET=RANK/TEAMS, cassava=1234/3900, with one of {', '.join(known)}."
        )
    return found[1], f"{int(found[2])}/{int(found[3])}"


def _what_to_do(dataset: str, figures: Sequence[Figure]) -> str:
    [competition] = {download.competition for download in NAMED[dataset].downloads}
    address = f"https://www.kaggle.com/competitions/{competition}"
    rows = {each.row.key: each for each in figures}
    scored = next((rows[key].scored for key in SUBMITTED if key in rows and rows[key].scored), [])
    best = max(scored, key=lambda each: each[1].validation.accuracy if each[1].validation else 0.0, default=None)
    file = best and find_submission(best[0].folder)
    if not file:
        return f"No submission yet: once a run on {dataset} is over, its submission.csv goes to {address}."
    return f"Submit {file} to {address}, and give its rank with --rank {dataset}=RANK/TEAMS."
