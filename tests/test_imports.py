"""Who may import whom: one way only, orchestrator -> sandbox -> harness, and never torch on the host."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"orchestrator", "sandbox", "harness", "prompts", "tests"}
HEAVY = {"torch", "torchvision", "timm", "PIL", "sklearn", "safetensors", "pyarrow", "scipy", "onnx", "onnxruntime"}
SHARED = {"harness.answer", "harness.contract", "harness.names", "harness.report"}
ALLOWED = {
    "orchestrator": {"orchestrator", "sandbox", "prompts", *SHARED},
    "sandbox": {"sandbox", "harness.report"},
    "harness": {"harness"},
    "prompts": {"prompts"},
}
COMPONENTS = {"recipes", "plain"}
"""Folders of what runs in a container alone."""
FILES = [path for folder in ALLOWED for path in sorted((ROOT / folder).rglob("*.py")) if not COMPONENTS & {*path.parts}]


def imported(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_arrow_is_one_way(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]

    ours = {name for name in imported(path) if name.split(".")[0] in OURS}
    strangers = {
        name for name in ours if not any(name == good or name.startswith(f"{good}.") for good in ALLOWED[folder])
    }

    assert set() == strangers


@pytest.mark.parametrize("path", [path for path in FILES if "harness" not in path.parts], ids=str)
def test_the_host_never_imports_what_belongs_into_the_container(path: Path) -> None:
    assert set() == {name for name in imported(path) if name.split(".")[0] in HEAVY}


def test_what_the_host_shares_with_the_harness_needs_nothing_but_python() -> None:
    code = f"import sys, {', '.join(SHARED)}; sys.exit(bool({{'torch', 'numpy', 'PIL'}} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
