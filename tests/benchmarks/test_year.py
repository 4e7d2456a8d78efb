"""Tests of the simulated year: planted courses, MASE, tables, and that a killed course continues."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import year_courses
from year_courses import DAY, EVENT, FIRST, FIRST_ROW, make_course
from year_tables import difference, training_seconds


@pytest.fixture
def year(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setitem(sys.modules, "time_machine", ModuleType("time_machine"))
    import year

    return year


def values(text: str) -> list[str]:
    return [line.split(",")[1] for line in text.splitlines()[1:]]


def test_an_export_ends_where_the_forecast_begins() -> None:
    course = make_course("plain")
    for night in (0, 7):
        rows = course.export(night).splitlines()
        assert len(rows) == 1 + (FIRST + night) * DAY
        assert rows[-1].split(",")[0] < course.first_forecast(night)
        assert course.first_forecast(night).endswith("00:00:00")


@pytest.mark.parametrize("name", ["break", "outage", "unit"])
def test_a_planted_change_changes_no_row_before_the_event(name: str) -> None:
    course, plain = make_course(name), make_course("plain")
    assert course.export(EVENT) == plain.export(EVENT)
    after = EVENT + 4  # after the first weekend
    assert values(course.export(after))[:FIRST_ROW] == values(plain.export(EVENT))
    assert values(course.export(after))[FIRST_ROW:] != values(plain.export(after))[FIRST_ROW:]


def test_the_machine_works_on_weekdays() -> None:
    course, plain = make_course("break"), make_course("plain")
    added = (course.truth - plain.truth)[FIRST_ROW : FIRST_ROW + 7 * DAY].reshape(7, DAY)
    days = [np.datetime64(course.times[FIRST_ROW + day * DAY][:10]).item().weekday() for day in range(7)]
    for day, weekday in enumerate(days):
        hours = np.flatnonzero(added[day]).tolist()
        assert hours == ([] if weekday >= 5 else list(range(8, 18)))


def test_the_outage_has_a_gap_a_stuck_sensor_stale_and_broken_exports() -> None:
    course = make_course("outage")
    new = values(course.export(EVENT + 9))[FIRST_ROW:]
    assert set(new[: 5 * DAY]) == {""}
    assert len(set(new[5 * DAY : 7 * DAY])) == 1
    assert len(set(new[7 * DAY :])) > DAY
    assert [course.known_night(EVENT + after) - EVENT for after in (1, 2, 3, 4)] == [1, 1, 1, 4]
    assert course.export(EVENT + 10).startswith("date,kW\n")
    assert course.export(EVENT + 14).endswith("#REF!\n")
    assert not np.isnan(course.truth).any()


def test_mase_is_in_the_unit_of_the_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(year_courses, "mase_scale", lambda: 4.0)
    for name, factor in (("plain", 1.0), ("unit", 1000.0)):
        course = make_course(name)
        rows = slice((FIRST + EVENT + 2) * DAY, (FIRST + EVENT + 3) * DAY)
        forecast = course.truth[rows] + factor * np.tile([2.0, -6.0], 12)
        assert course.mase(EVENT + 2, forecast) == pytest.approx(1.0)


def test_the_interval_of_a_difference_contains_it_and_narrows_with_more_nights() -> None:
    rng = np.random.default_rng(0)
    other = rng.uniform(0.5, 1.5, size=400)
    own = 0.9 * other + rng.normal(0, 0.05, size=400)
    wide, narrow = (difference(own[:count].tolist(), other[:count].tolist()) for count in (40, 400))
    for middle, low, high in (wide, narrow):
        assert low < middle < high
    assert narrow[2] - narrow[1] < wide[2] - wide[1]
    assert narrow[1] < -10 < narrow[2]


def test_the_time_of_a_training_is_what_exceeds_a_usual_night() -> None:
    nights = [
        {"refresh": {"verdict": verdict, "cpu": cpu}}
        for verdict, cpu in (("not trained", 1.0), ("kept", 5.0), ("not trained", 2.0), ("not trained", 1.0))
    ]
    assert training_seconds(nights) == 4.0


class Stopped(Exception):
    """End of a simulation in the middle of a night."""


def test_a_course_that_was_killed_continues_with_the_same_result(
    year: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    stop_at = 0

    def lstm(arguments: tuple[str, ...], folder: Path, moment: object) -> dict[str, Any]:
        calls.append(arguments[0])
        if len(calls) == stop_at:
            raise Stopped
        model = folder / "run" / "model"
        model.mkdir(parents=True, exist_ok=True)
        count = model / "count"
        before = int(count.read_text()) if count.exists() else 0
        count.write_text(str(before + 1))
        return {"code": 0, "cpu": float(before), "report": {"verdict": "kept"}, "errors": []}

    monkeypatch.setattr(year, "lstm", lstm)
    course = make_course("plain", 3)
    year.Simulation(course, "refresh", tmp_path / "whole", ()).run()
    stop_at = len(calls) + 5  # in the second night
    whole = json.loads((tmp_path / "whole" / "night-002" / "nights.json").read_text())
    with pytest.raises(Stopped):
        year.Simulation(course, "refresh", tmp_path / "killed", ()).run()
    assert year.newest_night(tmp_path / "killed") == 0
    year.Simulation(course, "refresh", tmp_path / "killed", ()).run()
    assert json.loads((tmp_path / "killed" / "night-002" / "nights.json").read_text()) == whole
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["night-002"]
