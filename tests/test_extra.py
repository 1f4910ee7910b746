"""What an extra asks for is compared, requirement by requirement, with what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.extra import lacking

if TYPE_CHECKING:
    from pathlib import Path

METADATA = """Metadata-Version: 2.1
Name: {name}
Version: {version}
"""
REQUIRES = """Requires-Dist: never-asked>=1
Requires-Dist: fire>=2,<3; extra == 'torches'
Requires-Dist: oil>=2; (sys_platform == 'linux') and extra == 'torches'
Requires-Dist: wood; (sys_platform == 'nowhere') and extra == 'torches'
Requires-Dist: axe; extra == 'tools'
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions: `lamp`, whose extra asks for fire and oil."""
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "lamp", "1.0", REQUIRES)
    return tmp_path


def install(site: Path, name: str, version: str, requires: str = "") -> None:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA.format(name=name, version=version) + requires)


def test_nothing_is_lacking_where_all_is_there(site: Path) -> None:
    install(site, "fire", "2.5+cpu")
    install(site, "oil", "7rc1")

    assert lacking("torches", "lamp") == []


def test_what_an_interrupted_installation_did_not_reach_is_lacking(site: Path) -> None:
    install(site, "fire", "2.5")
    (site / "oil-2.0.dist-info").mkdir()

    assert lacking("torches", "lamp") == ["oil>=2"]


def test_what_is_older_or_newer_than_asked_for_is_lacking(site: Path) -> None:
    install(site, "fire", "3.0")
    install(site, "oil", "1.9")

    assert lacking("torches", "lamp") == ["fire<3,>=2", "oil>=2"]
