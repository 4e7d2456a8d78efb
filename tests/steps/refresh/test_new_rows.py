"""Tests of the rows that `refresh` adds to a run: what is refused, counted, filled and held out."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_ledger import rows_of, until, write_rows
from small_nights import FIRST, choose
from small_steps import LINEAR, PREPARE

from lstm_cli.config import PrepareConfig, RefreshConfig
from lstm_cli.data.dataset.load import load_dataset, load_short_rows
from lstm_cli.errors import DataError
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.refresh import night, refresh
from lstm_cli.steps.refresh.compare import HeldOut
from lstm_cli.steps.refresh.decide import Decision, decide
from lstm_cli.steps.refresh.report import RefreshReport
from lstm_cli.steps.train import train
from lstm_cli.training import train_model as training

QUIET = RefreshConfig(new_rows=10_000)
PAST = replace(PREPARE, future=())
Row = dict[str, str]


@pytest.fixture(scope="module")
def linear(big: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with a linear model. Tests must not change it."""
    folder = tmp_path_factory.mktemp("linear")
    prepare(until(big, FIRST, folder / "first.csv"), folder / "run", PAST, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


@pytest.fixture
def run(linear: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(linear, tmp_path / "run"))


def measured(big: Path, first: str, last: str, change: Callable[[Row], Row] = lambda row: row) -> list[Row]:
    return [change(row) for row in rows_of(big) if first <= row["day"] <= last and row["sales"]]


def add(run: Path, rows: list[Row], config: RefreshConfig = QUIET, **given: Any) -> RefreshReport:
    return refresh(run, write_rows(run.parent / "new.csv", rows), config, ignore_events, **given)


def rules(report: RefreshReport) -> list[str]:
    return [finding["rule"] for finding in report.findings]


def times_thousand(row: Row) -> Row:
    return row | {"sales": str(1000 * float(row["sales"]))}


def test_a_row_after_a_long_gap_is_refused_unless_it_is_accepted(run: Path, big: Path) -> None:
    """One wrong date would fill the run with missing rows, and no later night could remove them."""
    rows = [*measured(big, "2024-05-10", "2024-05-12"), rows_of(big)[0] | {"day": "2025-05-13"}]
    before, output = (run / "run.json").read_bytes(), run.parent / "forecast.csv"
    output.write_text("an older forecast\n")
    with pytest.raises(DataError, match=r"365 of 369 .* 2024-05-09") as refused:
        add(run, rows, replace(QUIET, output=str(output)))
    assert (refused.value.exit_code, refused.value.rule) == (3, "D514")
    assert (run / "run.json").read_bytes() == before
    assert output.read_text() == "an older forecast\n"
    assert add(run, rows, replace(QUIET, accept_changes=True)).rows["added"] == 7


def test_a_wrong_year_of_monthly_rows_is_refused_and_prepare_takes_it_back(tmp_path: Path) -> None:
    """Ten horizons of six months are five years, and no outage."""
    months = np.arange("2013-01", "2023-06", dtype="datetime64[M]").astype(str).tolist()
    values = 10 + np.sin(np.arange(len(months)) * np.pi / 6) + np.random.default_rng(0).normal(0, 0.1, 125)
    run = tmp_path / "run"

    def write(times: list[str]) -> str:
        rows = [{"day": f"{time}-01", "load": str(value)} for time, value in zip(times, values, strict=True)]
        return write_rows(tmp_path / "new.csv", rows)

    config = PrepareConfig(horizon=6, lookback=12)
    first = write_rows(
        tmp_path / "first.csv",
        [{"day": f"{time}-01", "load": str(value)} for time, value in zip(months[:-1], values, strict=False)],
    )
    prepare(first, run, config, ignore_events)
    train(run, LINEAR, ignore_events)
    wrong = write([*months[:-1], "2024-05"])
    with pytest.raises(DataError) as refused:
        refresh(run, wrong, QUIET, ignore_events)
    assert refused.value.rule == "D514"
    refresh(run, wrong, replace(QUIET, accept_changes=True), ignore_events)
    correct = write(months)
    assert refresh(run, correct, QUIET, ignore_events).time_end == "2024-05-01T00:00:00"
    prepare(correct, run, config, ignore_events)
    report = refresh(run, correct, QUIET, ignore_events)
    assert (report.time_end, report.version) == ("2023-05-01T00:00:00", 1)


def test_missing_rows_before_the_file_are_reported_and_do_not_count(run: Path, big: Path) -> None:
    earlier = add(run, measured(big, "2024-05-10", "2024-05-10")).rows["unlearnt"]
    report = add(run, measured(big, "2024-05-21", "2024-05-23"))
    (gap,) = [finding for finding in report.findings if finding["rule"] == "D516"]
    assert gap["count"] == 10
    assert (report.rows["added"], report.rows["unlearnt"]) == (6, earlier + 3)
    assert "D516" not in rules(add(run, measured(big, "2024-05-24", "2024-05-24")))


def test_missing_rows_do_not_count_as_new_after_a_training_or_a_loss(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long outage must not lead to a training on a few measured rows."""
    seen: list[int | None] = []

    def spy(*args: Any, lost: int | None, **facts: Any) -> Decision:
        seen.append(lost)
        return decide(*args, lost=lost, **facts)

    choose(monkeypatch, better=False)
    monkeypatch.setattr(night, "decide", spy)
    assert add(run, measured(big, "2024-05-10", "2024-05-30"), RefreshConfig(always=True)).verdict == "kept"
    newest_us = int(np.datetime64("2024-05-30", "us").astype(int))
    monkeypatch.setattr(night, "find_loss", lambda *args: newest_us)
    report = add(run, measured(big, "2024-06-10", "2024-06-12"))
    assert (report.rows["since_last"], seen) == (3, [None, 3])


def test_values_for_gaps_are_counted_and_stored(run: Path, big: Path) -> None:
    add(run, measured(big, "2024-05-15", "2024-05-16"))
    report = add(run, measured(big, "2024-05-10", "2024-05-16"))
    assert (report.rows["added"], report.rows["overlap"], report.rows["changed"]) == (0, 4, 0)
    assert report.rows["filled"] == 5 * 2 * 2  # days, shops, columns
    with open_run(run) as opened:
        assert load_dataset(opened).measured[:, 0].all()


def test_most_values_changed_is_refused_unless_it_is_accepted(run: Path, big: Path) -> None:
    rows = measured(big, "2024-05-01", "2024-05-12", times_thousand)
    before = (run / "run.json").read_bytes()
    with pytest.raises(DataError, match="18 of 18 known values") as refused:
        add(run, rows)
    assert (refused.value.rule, "--accept-changes" in (refused.value.hint or "")) == ("D814", True)
    assert (run / "run.json").read_bytes() == before
    report = add(run, rows, replace(QUIET, accept_changes=True))
    assert (report.rows["changed"], "D811" in rules(report)) == (18, True)


def test_a_late_correction_of_a_few_rows_is_accepted(run: Path, big: Path) -> None:
    rows = measured(big, "2024-05-08", "2024-05-12")
    rows[0] = times_thousand(rows[0])
    report = add(run, rows)
    assert (report.rows["changed"], "D811" in rules(report)) == (1, False)


@pytest.mark.parametrize(("factor", "refused"), [(2, False), (1000, True), (0.001, True)])
def test_a_small_overlap_is_refused_only_for_another_unit(
    run: Path, big: Path, factor: float, refused: bool
) -> None:
    """A correction of the last days changes most of a small overlap."""
    rows = measured(
        big, "2024-05-08", "2024-05-12", lambda row: row | {"sales": str(factor * float(row["sales"]))}
    )
    if refused:
        with pytest.raises(DataError, match="4 of 4 known values are about 10 times") as error:
            add(run, rows)
        assert error.value.rule == "D814"
    else:
        assert add(run, rows).rows["changed"] == 4


def test_most_of_a_small_overlap_can_be_a_correction(run: Path, big: Path) -> None:
    rows = sorted(measured(big, "2024-05-06", "2024-05-12"), key=lambda row: row["day"])
    for row in rows[:5]:
        row["sales"] = str(2 * float(row["sales"]))
    assert add(run, rows).rows["changed"] == 5


def test_small_changes_of_all_known_values_are_a_warning(run: Path, big: Path) -> None:
    def change(row: Row) -> Row:
        return row | {"sales": str(1.001 * float(row["sales"]))}

    report = add(run, measured(big, "2024-05-01", "2024-05-12", change))
    (changed,) = [finding for finding in report.findings if finding["rule"] == "D811"]
    assert changed["count"] == report.rows["changed"] == 18


def test_a_file_without_times_must_begin_like_the_run(tmp_path: Path) -> None:
    values = 10 + np.sin(np.arange(260) * 2 * np.pi / 7) + np.random.default_rng(0).normal(0, 0.1, 260)

    def write(first: int, last: int) -> str:
        path = tmp_path / f"{first}.csv"
        path.write_text("\n".join(["load", *map(str, values[first:last]), ""]))
        return str(path)

    run = tmp_path / "run"
    prepare(write(0, 200), run, PrepareConfig(horizon=7, lookback=14), ignore_events)
    train(run, LINEAR, ignore_events)
    before = (run / "run.json").read_bytes()
    with pytest.raises(DataError, match="does not begin with the rows of the run") as refused:
        refresh(
            run, write(196, 260), QUIET, ignore_events
        )  # 28 seasons later, so that the values are similar
    assert refused.value.rule == "D814"
    assert (run / "run.json").read_bytes() == before
    assert refresh(run, write(0, 260), QUIET, ignore_events).rows["added"] == 60


def test_a_new_series_is_not_held_out_before_the_last_learnt_row(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """History of a new shop must not take rows from the training, and its old windows are not compared."""
    seen: list[HeldOut] = []

    def spy(run: Any, held_out: HeldOut, *args: Any) -> None:
        seen.append(held_out)
        raise DataError("not compared", rule="D631")

    monkeypatch.setattr(night, "compare", spy)
    alone = add(
        Path(shutil.copytree(run, run.parent / "b" / "run")), measured(big, "2024-05-10", "2024-05-20")
    )
    rows = measured(big, "2024-01-01", "2024-05-20")
    rows += [row | {"shop": "C"} for row in rows if row["shop"] == "A"]
    report = add(run, rows, RefreshConfig(always=True))
    assert report.rows["unlearnt"] == alone.rows["unlearnt"] < 60
    (held_out,) = seen
    table = held_out.dataset.series
    assert table.names == ("A", "B", "C")
    assert (table.count - table.val_end).tolist() == 3 * [max(14, report.rows["unlearnt"] // 2)]
    assert held_out.learnt.tolist() == 3 * [held_out.learnt[0]]


def test_short_series_grow_from_the_newest_rows_until_they_are_modelled(tmp_path: Path, big: Path) -> None:
    """A shop that opened ten days ago gets a row each night, and one night it is long enough."""
    run, begin = tmp_path / "run", "2024-04-30"

    def rows(first: str, last: str) -> list[Row]:
        both = measured(big, first, last)
        return both + [row | {"shop": "C"} for row in both if row["shop"] == "A" and row["day"] >= begin]

    prepare(write_rows(tmp_path / "first.csv", rows("2024-01-01", FIRST)), run, PAST, ignore_events)
    train(run, LINEAR, ignore_events)

    def short() -> dict[str, int]:
        with open_run(run) as opened:
            series = load_short_rows(opened)
            return dict(zip(series.names, series.count.tolist(), strict=True))

    assert short() == {"C": 10}
    report = add(run, rows("2024-05-10", "2024-05-10"))
    assert (short(), report.rows["added"], report.rows["overlap"]) == ({"C": 11}, 3, 0)
    report = add(run, rows("2024-05-08", "2024-05-18"))
    assert (short(), report.rows["added"], report.rows["overlap"]) == ({"C": 19}, 24, 9)
    add(run, rows("2024-05-19", "2024-07-10"))
    assert short() == {}
    expected = np.array([float(row["sales"]) for row in rows(begin, "2024-07-10") if row["shop"] == "C"])
    with open_run(run) as opened:
        data = load_dataset(opened)
    index = data.series.names.index("C")
    values = data.scaler.inverse_transform(data.values_scaled[data.series.row_slices[index]], index)
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-5)
    assert data.measured[data.series.row_slices[index]].all()


def test_too_few_windows_are_found_before_a_training(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of the held-out steps are a gap, so few windows begin after a measured row."""
    monkeypatch.setattr(training, "train_model", lambda *args, **given: pytest.fail("it is trained"))
    rows = measured(big, "2024-05-25", "2024-05-28")
    report = add(run, rows, RefreshConfig(always=True))
    assert report.verdict == "not trained"
    assert "too few rows to compare a challenger: no test window" in report.reason
