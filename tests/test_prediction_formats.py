"""Predictions as lines: what a spreadsheet and a program read back is what was said."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from orchestrator.predict import Prediction
from orchestrator.prediction_formats import open_writer

CLASSES = ("cat", 'dog, "big"\n', "\x1b[31mowl")
PREDICTIONS = [
    Prediction(image=Path("a,b\n.png"), top=((CLASSES[1], 0.75), (CLASSES[0], 0.25))),
    Prediction(image=Path("c.png"), top=((CLASSES[2], 0.6), (CLASSES[0], 0.4))),
]


def written(style: str, top: int = 2) -> str:
    file = io.StringIO()
    writer = open_writer(style, file, CLASSES, top)
    for prediction in PREDICTIONS:
        writer.write(Prediction(image=prediction.image, top=prediction.top[:top]))
    return file.getvalue()


def test_csv_quotes_what_has_to_be_quoted() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv"), newline="")))

    assert [row["file"] for row in rows] == ["a,b\n.png", "c.png"]
    assert rows[0] == {
        "file": "a,b\n.png",
        "label": CLASSES[1],
        "probability": "0.750000",
        "label_2": "cat",
        "probability_2": "0.250000",
    }


def test_json_lines_are_one_object_each() -> None:
    first, second = (json.loads(line) for line in written("jsonl").splitlines())

    assert first["file"] == "a,b\n.png"
    assert first["top"] == [{"label": CLASSES[1], "probability": 0.75}, {"label": "cat", "probability": 0.25}]
    assert (second["label"], second["probability"]) == (CLASSES[2], 0.6)


def test_a_table_has_a_line_for_each_image_whatever_the_names_are() -> None:
    lines = written("table", 1).split("\n")

    assert [line.split() for line in lines[:2]] == [
        ["class", "prob.", "file"],
        ["dog,", '"big"', "0.7500", "a,b", ".png"],
    ]
    assert "\x1b" not in written("table")
