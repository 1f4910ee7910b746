"""The test images that a run is most surely wrong about, as a picture for people: drawn once, when all is decided.

No choice is made after it, and no job ever sees it. Who looks at it and then changes the dataset or the settings has
chosen on the test images, as whoever looks at any test result has.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from orchestrator.job_files import LOGITS
from orchestrator.run_folder import write_json
from orchestrator.scoring import InvalidLogitsError, read_logits, reliability
from orchestrator.sheets import MISTAKE_COLUMNS, SheetError
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.dataset import Dataset
    from orchestrator.scoring import Bin
    from orchestrator.sheets import Sheets

MISTAKES = "mistakes"
"""The folder within a run's: `sheet.png`, and in `mistakes.json` what is on it."""


def keep_mistakes(run: Path, tested: Path, sheets: Sheets) -> str:
    """Draw them; where that fails, nothing is kept, and the reason returned. `tested`: where the test logits lie."""
    folder = run / MISTAKES
    try:
        mistakes = sheets.mistakes(tested, "test")
        if mistakes:
            sheets.draw(mistakes, "test", folder)
        folder.mkdir(exist_ok=True)
        listed = [asdict(mistake) for mistake in mistakes]
        write_json(folder / f"{MISTAKES}.json", {"columns": MISTAKE_COLUMNS, "mistakes": listed})
    except (SheetError, SandboxError, OSError) as error:
        return f"There is no picture of the worst mistakes: {error}"
    return ""


def reliability_of_test(tested: Path, dataset: Dataset) -> list[Bin]:
    """Of what is given out, on the test images; empty where its logits are no longer there."""
    labels = dataset.hidden_labels("test")
    try:
        return reliability(read_logits(tested / LOGITS, len(labels), len(dataset.facts.classes)), labels)
    except (InvalidLogitsError, OSError):
        return []
