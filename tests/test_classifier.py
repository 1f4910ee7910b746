"""AutoModel from Python: the lines of the README are tried by `test_readme.py`; here is what may go wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import orchestrator
from orchestrator import build_classifier
from orchestrator.classifier import Classifier
from orchestrator.errors import AutoModelError, DatasetError, SettingsError
from orchestrator.settings import read_settings
from tests.sandboxes import skip_without
from tests.served_runs import SHADES, make_run, png


def test_importing_it_costs_nothing_until_it_is_used() -> None:
    code = "import sys, orchestrator; sys.exit(bool({'numpy', 'rich', 'pydantic'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_there_is_nothing_else_in_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'build_everything'"):
        _ = orchestrator.build_everything


def test_what_cannot_be_is_raised_as_the_command_line_says_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="run_iteration is no setting"):
        build_classifier("digits", run_iteration=5)
    with pytest.raises(SettingsError, match="RUN_ITERATIONS is 'many'"):
        build_classifier("digits", run_iterations="many")
    with pytest.raises(DatasetError, match="nowhere is neither the name of a dataset"):
        build_classifier(tmp_path / "nowhere", datasets_dir=tmp_path)


@pytest.mark.torch
def test_a_run_is_asked_from_any_thread(tmp_path: Path) -> None:
    skip_without("bubblewrap")
    (tmp_path / "a.png").write_bytes(png(SHADES["light"]))
    classifier = Classifier(make_run(tmp_path / "run"), read_settings({"sandbox_backend": "bubblewrap"}))
    found = []
    asking = threading.Thread(target=lambda: found.extend(classifier.predict([tmp_path / "a.png", "none.png"], top=2)))
    asking.start()
    asking.join()

    first, second = found
    assert (first.label, len(first.top), second.problem) == ("light", 2, "No such file or directory")
    assert (classifier.score.accuracy, classifier.score.interval, classifier.score.images) == (0.9, (0.8, 0.95), 100)


def test_a_damaged_summary_is_said(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"test": 7}')

    with pytest.raises(AutoModelError, match="tells no test accuracy"):
        _ = Classifier(tmp_path, read_settings({})).score


def test_the_readme_shows_it_in_six_lines() -> None:
    code = (Path(__file__).parents[1] / "README.md").read_text().partition("```python\n")[2].partition("```")[0]

    assert "from orchestrator import build_classifier" in code
    assert len(code.strip().splitlines()) == 6
