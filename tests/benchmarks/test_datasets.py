"""Tests of the list of collected data sets: complete, balanced, and read as stated."""

from collections import Counter

import datasets
import pandas as pd
import pytest
import readers


def test_each_dataset_has_a_complete_description() -> None:
    sets = datasets.catalogue()
    assert len({item["name"] for item in sets}) == len(sets) >= 25
    for item in sets:
        assert item["reader"] in readers.READERS
        assert item["target"]
        assert item["horizon"] > 0
        assert all(item[key].strip() for key in ("kind", "package", "origin", "licence"))


def test_half_of_every_kind_is_closed() -> None:
    sets = datasets.catalogue()
    closed = Counter(item["kind"] for item in sets if item["group"] == "closed")
    for kind, count in Counter(item["kind"] for item in sets).items():
        assert abs(count - 2 * closed[kind]) <= 1, kind


def test_the_options_name_targets_series_and_covariates() -> None:
    entry = {"target": ["a", "b"], "series": "s", "horizon": 4, "past": ["p"], "calendar": True}
    assert datasets.prepare_options(entry) == [
        "--target", "a", "--target", "b", "--series", "s", "--horizon", "4",
    ]  # fmt: skip
    assert datasets.covariate_options(entry) == {"past": ["--past", "p"], "calendar": ["--calendar"]}


@pytest.fixture
def from_r(monkeypatch: pytest.MonkeyPatch):
    """Puts a table in the place of what the package of R's sets would give."""
    return lambda table: monkeypatch.setattr(readers, "from_r", lambda name: table.copy())


def test_a_regular_series_is_counted_on_from_its_first_time(from_r) -> None:
    from_r(pd.DataFrame({"time": [1956.0, 1956.25], "value": [5, 7]}))
    entry = {"reader": "r_series", "item": "x/y", "first": "1956-01-01", "step": "QS", "target": ["gas"]}
    table = readers.read({**entry, "columns": {"value": "gas"}})
    assert table.to_csv(index=False) == "time,gas\n1956-01-01,5\n1956-04-01,7\n"


def test_quarters_and_months_in_words_become_dates(from_r) -> None:
    for words, dates in (
        (["1981 Q1", "1981 Q4"], ["1981-01-01", "1981-10-01"]),
        (["1960 Feb"], ["1960-02-01"]),
    ):
        from_r(pd.DataFrame({"when": words, "v": range(len(words))}))
        table = readers.read({"reader": "r_dated", "item": "x/y", "dates": "when", "target": ["v"]})
        assert table["time"].dt.strftime("%Y-%m-%d").tolist() == dates


def test_only_whole_days_give_hours_that_are_known(from_r) -> None:
    from_r(pd.DataFrame({"julday": [5] * 24 + [6] * 23 + [8] * 24, "v": range(71)}))
    entry = {"reader": "whole_days", "item": "x/y", "first": "1995-01-08", "target": ["v"]}
    table = readers.read(entry)
    assert len(table) == 48
    assert str(table["time"].iloc[24]) == "1995-01-11 00:00:00"


def test_days_without_events_count_as_zero(from_r) -> None:
    from_r(pd.DataFrame({"at": ["2011-01-03T09:00:00Z", "2011-01-01T23:59:00Z", "2011-01-03T10:00:00Z"]}))
    table = readers.read({"reader": "events_by_day", "item": "x/y", "dates": "at", "target": ["n"]})
    assert table["n"].tolist() == [1, 0, 2]


def test_a_clock_set_a_minute_off_is_snapped_and_weekends_can_be_left_out(from_r) -> None:
    rows = {
        "at": ["2021-01-01 10:00", "2021-01-01 10:06", "2021-01-01 10:04", "2021-01-02 10:10"],
        "v": range(4),
    }
    from_r(pd.DataFrame(rows))
    entry = {"reader": "r_dated", "item": "x/y", "dates": "at", "target": ["v"], "snap": "5min"}
    assert readers.read(entry)["v"].tolist() == [0, 1, 3]
    assert readers.read({**entry, "weekdays": True})["v"].tolist() == [0, 1]


def test_the_page_of_data_sets_lists_every_set_with_its_group() -> None:
    listed = (datasets.CATALOGUE.parent / "datasets.md").read_text()
    for item in datasets.catalogue():
        assert f"| {item['kind']} | {item['name']} | {item['group']} |" in listed
