"""A run with an imposed network, in a real sandbox: kept to by every iteration, recorded, refused where misspelt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.sandboxes import skip_without
from tests.test_run import automodel, only_run

if TYPE_CHECKING:
    from pathlib import Path

VIT = "vit_tiny_patch16_224"


@pytest.mark.long
@pytest.mark.bubblewrap
def test_every_iteration_of_a_run_keeps_to_the_network_that_is_imposed(tmp_path: Path) -> None:
    skip_without("bubblewrap")
    knobs = {"WEIGHTS_DIR": str(tmp_path / "weights"), "RUN_ITERATIONS": "1"}

    wrong = automodel("run", "digits", home=tmp_path, RUN_BACKBONE="vit_tinny_patch16_224", **knobs)
    done = automodel("run", "digits", home=tmp_path, RUN_BACKBONE=VIT, **knobs)

    assert wrong.returncode == 2
    assert "RUN_BACKBONE is 'vit_tinny_patch16_224', which is none of the" in wrong.stderr
    assert f"did you mean {VIT}" in wrong.stderr
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path, "bubblewrap")
    assert json.loads((run / "run.json").read_text())["same"]["settings"]["run_backbone"] == VIT
    assert json.loads((run / "best" / "task.json").read_text())["backbone"] == VIT
    models = [path.read_text() for path in run.glob("iterations/*/attempt-*/components/model.py")]
    assert len(models) == 2
    assert all(f'BACKBONE = "{VIT}"' in model for model in models)
    assert json.loads((run / "summary.json").read_text())["failed"] == 0
