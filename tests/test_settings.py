"""A knob is read from its flag, else its variable, else its default; nonsense is refused in one sentence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings, read_settings


def test_defaults_hold_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for knob in fields(Settings):
        monkeypatch.delenv(knob.name.upper(), raising=False)

    settings = read_settings({})

    assert (10, Path("runs"), "digits") == (settings.run_iterations, settings.runs_dir, settings.dataset)


def test_a_flag_wins_over_a_variable_and_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_ITERATIONS", "7")
    monkeypatch.setenv("RUN_SEED", "")

    assert read_settings({}).run_iterations == 7
    assert read_settings({"run_iterations": "3"}).run_iterations == 3
    assert read_settings({}).run_seed == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("run_iterations", "many"), ("run_iterations", "-1"), ("sandbox_backend", "chroot"), ("run_fit_minutes", "0")],
)
def test_nonsense_is_refused_and_the_sentence_names_the_variable_and_the_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name.upper()} is '{value}'"):
        read_settings({name: value})


def test_every_knob_has_a_help_text() -> None:
    assert all(knob.metadata["help"] for knob in fields(Settings))


def test_a_password_in_an_address_is_not_public() -> None:
    shown = read_settings({"image_index": "https://me:secret@index.example/simple"}).public()

    assert shown["image_index"] == "https://index.example/simple"
