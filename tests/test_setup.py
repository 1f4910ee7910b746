"""What the settings say of the sandbox, in the sandbox's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import SettingsError
from orchestrator.settings import read_settings
from orchestrator.setup import site
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
