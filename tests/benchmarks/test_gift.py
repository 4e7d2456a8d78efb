"""Tests of the protocol of GIFT-Eval: windows, means and scores worked by hand, and a table from pretended commands."""

import csv
import json
from pathlib import Path

import accuracy
import gift
import goals
import numpy as np
import on_gift
import pytest
from sklearn.metrics import mean_pinball_loss

SUFFIXES = ("_lo80", "_hi80", "_lo95", "_hi95", *(f"_q{ten}0" for ten in range(1, 10)))
HOUR_COUNT = 24 * 7 * 12 + 31  # 12 weeks and 31 hours


def write_etth1(file: Path, hours: int = HOUR_COUNT) -> Path:
    """Write an ETTh1 of made-up values, which rise by 1 from day to day."""
    times = np.datetime64("2016-07-01T00") + np.arange(hours)  # a Friday
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("date", *gift.CHANNELS))
        for hour, time in enumerate(times):
            writer.writerow((str(time).replace("T", " ") + ":00:00", *values_at(hour)))
    return file


def values_at(hour: int) -> list[float]:
    """Return the made-up value of each channel."""
    return [10.0 * channel + hour % 24 + hour // 24 for channel in range(len(gift.CHANNELS))]


def write_published(file: Path) -> Path:
    lines = [
        ("ett1/H/short", "seasonal_naive", "statistical", 2.0, 0.5),
        ("ett1/H/short", "chronos-2", "pretrained", 1.0, 0.25),
        ("ett1/H/short", "Other", "pretrained", 0.8, 0.3),
        ("ett1/H/short", "Mixer", "trained on the data set", 1.5, 0.4),
        ("ett1/H/short", "DeepAR", "trained on the data set", 1.6, 0.5),
        ("ett1/H/long", "chronos-2", "pretrained", 9.0, 9.0),
    ]
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([("dataset", "model", "kind", "mase", "wql"), *lines])
    return file


@pytest.mark.parametrize(
    ("rows", "horizon", "expected"),
    [(17420, 48, 20), (17420, 480, 4), (17420, 720, 3), (725, 30, 3), (103, 8, 2), (1200, 40, 3)],
)
def test_windows_are_a_tenth_of_the_rows_and_end_with_the_data(
    rows: int, horizon: int, expected: int
) -> None:
    origins = gift.origins(rows, horizon)
    assert len(origins) == expected
    assert origins[-1] + horizon == rows
    assert set(np.diff(origins)) == {horizon}


def test_incomplete_days_and_weeks_are_left_out(tmp_path: Path) -> None:
    hourly = gift.read_etth1(write_etth1(tmp_path / "ETTh1.csv"))
    days, weeks = gift.means(hourly, "day"), gift.means(hourly, "week")
    assert (days.times[0], days.times[-1], len(days.times)) == ("2016-07-01", "2016-09-23", 85)
    assert (weeks.times[0], weeks.times[-1], len(weeks.times)) == ("2016-07-07", "2016-09-22", 12)
    assert days.values[0].tolist() == pytest.approx([10 * channel + 11.5 for channel in range(7)])
    # the last week begins on day 77 and its middle is day 80
    assert weeks.values[-1].tolist() == pytest.approx([10 * channel + 11.5 + 80 for channel in range(7)])


def test_a_day_that_begins_after_midnight_is_left_out() -> None:
    times = [f"2024-01-{1 + hour // 24:02d} {hour % 24:02d}:00:00" for hour in range(1, 72)]
    hourly = gift.Table(times=times, values=np.arange(1.0, 72)[:, None])
    days = gift.means(hourly, "day")
    assert days.times == ["2024-01-02", "2024-01-03"]
    assert days.values.ravel().tolist() == pytest.approx([35.5, 59.5])


def test_weighted_quantile_loss_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth, quantiles = random.normal(3, 2, 40), random.normal(3, 2, (9, 40))
    losses = [
        2 * 40 * mean_pinball_loss(truth, quantiles[row], alpha=chance)
        for row, chance in enumerate(gift.PROBABILITIES)
    ]
    assert gift.weighted_quantile_loss(truth, quantiles) == pytest.approx(
        np.mean(losses) / np.abs(truth).sum()
    )


def test_scores_by_hand() -> None:
    # Season 1: |2-1| and |4-2|, mean 1.5; errors 1 and 2, mean 1.5. A point forecast's WQL is sum |e| / sum |y|.
    known = {"a": np.array([1.0, 2, 4])}
    (naive,) = gift.seasonal_naive(known, {"a": np.array([5.0, 2])}, season=1)
    assert naive.point.tolist() == [4, 4]
    assert gift.scores([naive], season=1) == {"mase": pytest.approx(1.0), "wql": pytest.approx(3 / 7)}


def test_the_seasonal_naive_forecast_repeats_the_last_season() -> None:
    known = {"a": np.array([9.0, 1, 2, 3])}
    (naive,) = gift.seasonal_naive(known, {"a": np.zeros(5)}, season=3)
    assert naive.point.tolist() == [1, 2, 3, 1, 2]


def test_quantiles_and_coverage_come_from_the_columns_of_the_forecast(tmp_path: Path) -> None:
    file = tmp_path / "forecast.csv"
    header = ["date", *(f"{name}{suffix}" for name in gift.CHANNELS for suffix in ("", *SUFFIXES))]
    line = ["2024-01-01", *([5, 4, 6, 3, 7, *range(1, 10)] * 7)]
    file.write_text("\n".join(",".join(map(str, row)) for row in (header, line, line)) + "\n")
    known = {name: np.array([0.0, 1]) for name in gift.CHANNELS}
    truth = {name: np.array([6.5, 8.0]) for name in gift.CHANNELS}
    made = list(gift.forecasts(known, truth, gift.forecast_columns(file)))
    assert len(made) == 7
    assert made[0].quantiles.tolist() == [[value, value] for value in range(1, 10)]
    assert (gift.coverage(made, 80), gift.coverage(made, 95)) == (0.0, 50.0)


def test_a_forecast_of_another_length_is_an_error(tmp_path: Path) -> None:
    header = ",".join(["series", "time", "value", *(f"value{suffix}" for suffix in SUFFIXES)])
    line = ",".join(["a", "2024-01-01", "1", *("1" for _ in SUFFIXES)])
    (tmp_path / "forecast.csv").write_text(f"{header}\n{line}\n")
    columns = gift.panel_columns(tmp_path / "forecast.csv")
    with pytest.raises(ValueError, match="a: 1 forecast steps, expected 2"):
        list(gift.forecasts({"a": np.ones(3)}, {"a": np.ones(2)}, columns))


def test_the_best_published_models_are_selected_once(tmp_path: Path) -> None:
    rows = gift.published(write_published(tmp_path / "gift_eval.csv"), gift.DATA_SETS[0])
    assert list(gift.selected(rows)) == [
        "chronos-2, pretrained, best WQL",
        "Other, pretrained, best MASE",
        "Mixer, trained on the data set, best MASE, best WQL",
    ]


def test_an_unknown_data_set_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(["--gift", "anywhere", "--only", "etth1_96"]) == 2
    assert "not found: etth1_96; the data sets are etth1_48, etth1_480" in capsys.readouterr().err


class PretendedLstm:
    """Commands that forecast the true values of the made-up ETTh1, with quantiles 1 to 4 below and above."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, *words: str) -> tuple[dict, float]:
        self.calls.append(words)
        if words[0] == "predict":
            self.forecast(Path(words[2]), Path(words[words.index("-o") + 1]))
        return {"warnings": [], "seconds": 1.0}, 2.0

    def forecast(self, known: Path, output: Path) -> None:
        with known.open(newline="") as opened:
            hours = len(list(csv.DictReader(opened)))
        ends = {"": 0, "_lo80": -1, "_hi80": 1, "_lo95": -2, "_hi95": 2}
        shifts = ends | {f"_q{ten}0": ten - 5 for ten in range(1, 10)}
        with output.open("w", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(["date", *(f"{name}{suffix}" for name in gift.CHANNELS for suffix in shifts)])
            for hour in range(hours, hours + 48):
                cells = (value + shift for value in values_at(hour) for shift in shifts.values())
                writer.writerow([hour, *cells])


def test_the_table_of_a_data_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_etth1(tmp_path / "ETTh1.csv", hours=480)  # one window
    write_published(tmp_path / "gift_eval.csv")
    pretended, record = PretendedLstm(), tmp_path / "record.jsonl"
    monkeypatch.setattr(on_gift, "lstm", pretended)
    words = ["--gift", str(tmp_path), "--only", "etth1_48", "--seeds", "0", "--record", str(record)]
    assert accuracy.main(words) == 0
    prepare, train, predict = pretended.calls
    assert prepare[prepare.index("--end") + 1] == "row:432"
    assert prepare[prepare.index("--horizon") + 1] == "48"
    assert train[2:] == ("--seed", "0")
    assert predict[predict.index("--quantiles") + 1] == "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"
    figures = json.loads(record.read_text())
    # Mean |y| is 30 + 11.5 + 18.5 (days 18 and 19).
    # Shifts of 1 to 4 on both sides weigh .4, .3, .2 and .1: 2 x 2 x (.4 + .6 + .6 + .4) / 9.
    assert figures["wql"] == pytest.approx(2 * 2 * 2.0 / 9 / 60)
    assert (figures["mase"], figures["coverage_80"]) == (0.0, 100.0)
    printed = capsys.readouterr().out
    assert "| chronos-2, pretrained, best WQL |  | 1.0000 | 0.2500 | 0.5000 | 0.1250 |" in printed
    assert "| seasonal naive, published |  | 2.0000 | 0.5000 | 1.0000 | 0.2500 |" in printed
    # one day later each value is 1 higher, two days later 2
    assert "| seasonal naive |  | 1.5000 | 0.0250 | 1.0000 | 0.0167 |" in printed
    assert "| exceeded |" in printed


def test_each_goal_belongs_to_a_data_set() -> None:
    assert {name for name, _ in goals.GIFT} <= {data_set.name for data_set in gift.DATA_SETS}
    assert all(row.stretch < row.goal for row in goals.GIFT.values())
