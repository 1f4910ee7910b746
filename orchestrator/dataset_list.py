"""The list of datasets that have a name, and which of them are here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.table import Table

from orchestrator.named_files import whereabouts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.named_datasets import NamedDataset
    from orchestrator.settings import Settings


WIDE = 110
"""Columns of a terminal in which there is room to say what each is."""


def dataset_table(datasets: Iterable[NamedDataset], settings: Settings, width: int) -> Table:
    """One row a dataset, for a terminal of so many columns; nothing is asked of the network.

    Raises:
        SettingsError: the Kaggle login makes no sense.
    """
    rows = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in ("name", "images", "classes", "size", "here?"):
        rows.add_column(heading, no_wrap=True, justify="right" if heading in {"images", "classes", "size"} else "left")
    rows.add_column("licence")
    if width >= WIDE:
        rows.add_column("what it is")
    for dataset in datasets:
        here = "prepared" if _prepared(dataset, settings) else whereabouts(dataset, settings)
        counts = (f"{dataset.images:,}", str(dataset.classes), _size(dataset))
        rows.add_row(dataset.name, *counts, here, dataset.licence, *([dataset.title] if width >= WIDE else []))
    return rows


def _prepared(dataset: NamedDataset, settings: Settings) -> bool:
    form = re.compile(rf"{re.escape(dataset.name)}-[0-9a-f]{{8}}")
    folders = settings.datasets_dir.glob(f"{dataset.name}-*/dataset.json")
    return any(form.fullmatch(path.parent.name) for path in folders)


def _size(dataset: NamedDataset) -> str:
    if not dataset.downloads:
        return "-"
    if dataset.megabytes is None:
        return "?"
    return f"{dataset.megabytes} MB" if dataset.megabytes < 1000 else f"{dataset.megabytes / 1000:.1f} GB"
