"""Tests of the comparison of learned quantiles with symmetric intervals, and of its reliability diagram."""

from pathlib import Path

import numpy as np
import pytest
import reliability
from command import lstm
from png_pixels import pixels
from small_data import dataset

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.forecast.bounds import Bounds

UNBOUNDED = Bounds(lower=np.array([-np.inf]), upper=np.array([np.inf]))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with a linear model of skewed numbers."""
    folder = tmp_path_factory.mktemp("reliability")
    values = np.random.default_rng(5).gamma(1.0, 3.0, 600)
    rows = "".join(f"{row},{value:.4f}\n" for row, value in enumerate(values))
    (folder / "skewed.csv").write_text("time,v\n" + rows)
    path = folder / "skewed"
    lstm(
        "prepare",
        str(folder / "skewed.csv"),
        str(path),
        "--target",
        "v",
        "--horizon",
        "4",
        "--lookback",
        "12",
    )
    lstm("train", str(path), "--parts", "linear", "--threads", "1")
    return path


def test_shares_count_the_measured_values_below_a_quantile() -> None:
    values = np.arange(40.0)
    values[33] = np.nan
    data = dataset([values[:, None]], train_end=[20], val_end=[30], lookback=4, horizon=2)
    (batch,) = split_windows(data, "test", 4).batches(100)
    quantiles = np.stack([batch.target - 0.1, batch.target + 0.1])
    counts = reliability.count_below(data, UNBOUNDED, quantiles, batch)
    assert counts.tolist() == [0, batch.observed.sum()]
    assert not batch.observed.all()


def test_a_value_that_equals_quantiles_counts_in_parts() -> None:
    """A certain forecast that comes true is at 1/4, 2/4 and 3/4 of three quantiles."""
    data = dataset([np.arange(40.0)[:, None]], train_end=[20], val_end=[30], lookback=4, horizon=2)
    (batch,) = split_windows(data, "test", 4).batches(100)
    cells = batch.observed.sum()
    certain = reliability.count_below(data, UNBOUNDED, np.stack([batch.target] * 3), batch)
    np.testing.assert_allclose(certain, cells * np.array([0.25, 0.5, 0.75]))
    tied = np.stack([batch.target - 1, batch.target, batch.target, batch.target + 1])
    np.testing.assert_allclose(
        reliability.count_below(data, UNBOUNDED, tied, batch), cells * np.array([0, 1 / 3, 2 / 3, 1])
    )


def test_the_learned_quantiles_are_those_that_evaluate_scores(run: Path) -> None:
    measured = reliability.measure(run, 1)
    report, _ = lstm("evaluate", str(run), "--threads", "1")
    learned = measured.scores[reliability.LEARNED]
    assert measured.windows == report["windows"]
    assert learned["coverage"] == pytest.approx(report["coverage"])
    assert learned["wis_scaled"] == pytest.approx(report["wis_scaled"])
    for kind, shares in measured.shares.items():
        places = [reliability.PROBABILITIES.index(each) for each in (0.1, 0.9)]
        below, above = shares[places]
        assert 100 * (above - below) == pytest.approx(measured.scores[kind]["coverage"]["80"], abs=1)


def test_symmetric_intervals_put_the_misses_of_skewed_numbers_on_one_side(run: Path) -> None:
    measured = reliability.measure(run, 1)
    first = reliability.PROBABILITIES.index(0.05)
    # The lower end is negative, and no value is: it is clipped to 0.
    assert measured.shares[reliability.SYMMETRIC][first] == 0
    assert measured.shares[reliability.LEARNED][first] > 0


def test_a_row_for_each_run_and_a_picture(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "reliability.png"
    words = [str(run), str(tmp_path / "absent"), "--picture", str(picture), "--threads", "1"]
    assert reliability.main(words) == 1
    printed = capsys.readouterr().out
    assert "| skewed | " in printed
    assert "| absent | failed: " in printed
    assert "| **geometric mean** |" in printed
    assert pixels(picture.read_bytes()).shape[0] > 200
