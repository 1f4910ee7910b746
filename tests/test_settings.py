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


FLOATS = [knob.name for knob in fields(Settings) if isinstance(knob.default, float)]


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e300"])
@pytest.mark.parametrize("name", FLOATS)
def test_no_number_is_without_end(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name.upper()):
        read_settings({name: value})


@pytest.mark.parametrize("name", ["run_seed", "dataset_seed"])
def test_a_seed_is_one_that_every_generator_takes(name: str) -> None:
    assert getattr(read_settings({name: str(2**32 - 1)}), name) == 2**32 - 1
    with pytest.raises(SettingsError, match=name.upper()):
        read_settings({name: str(2**32)})


def test_every_knob_has_a_help_text() -> None:
    assert all(knob.metadata["help"] for knob in fields(Settings))


def test_a_password_in_an_address_is_not_public() -> None:
    shown = read_settings({"image_index": "https://me:secret@index.example/simple"}).public()

    assert shown["image_index"] == "https://index.example/simple"
