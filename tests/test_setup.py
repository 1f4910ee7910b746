"""What the settings say of the sandbox, in the sandbox's own words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import SettingsError
from orchestrator.settings import read_settings
from orchestrator.setup import finish, site
from sandbox.image import Site

if TYPE_CHECKING:
    from pathlib import Path


def test_the_image_is_built_from_what_the_settings_name(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    settings = read_settings({"image_wheels": str(tmp_path), "image_ca": str(tmp_path / "ca.pem")})

    assert site(settings) == Site(wheels=tmp_path, ca=tmp_path / "ca.pem")


@pytest.mark.parametrize("name", ["image_wheels", "image_ca"])
def test_a_path_that_is_not_there_is_a_wrong_setting(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name.upper()} is '/nowhere'"):
        site(read_settings({name: "/nowhere"}))


def test_an_installation_that_takes_long_is_not_silent() -> None:
    told: list[str] = []

    status = finish([sys.executable, "-c", "import time; time.sleep(1); raise SystemExit(3)"], told.append, every=0.1)

    assert status == 3
    assert told[0] == "Still installing: 0 min so far."
