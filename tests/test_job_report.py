"""What a job says of itself is read strictly, for a component may have written it."""

from __future__ import annotations

import json

import pytest

from harness.report import InvalidReportError, Report


def test_a_report_comes_back_as_it_was_told() -> None:
    report = Report(parameters=7, frozen=1, peak_memory=1 << 40, curve=({"loss": 0.5},), warnings=("Odd.",))

    assert Report.parse(report.dump()) == report


@pytest.mark.parametrize("name", ["parameters", "frozen", "peak_memory", "batch_halvings"])
@pytest.mark.parametrize("number", [-1, 1.7e308, 10**400, True, "7"])
def test_a_count_out_of_bounds_is_refused(name: str, number: object) -> None:
    with pytest.raises(InvalidReportError):
        Report.parse(json.dumps({name: number}).encode())
