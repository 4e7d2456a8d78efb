"""Tests of the comparison with other tools: same rows for all, and scores worked by hand. No tool is run."""

import json
from pathlib import Path

import comparison
import numpy as np
import pandas as pd
import pytest
from comparison_tasks import ALONE, TASKS, Forecast, Measured, Prepared, Task, difference, score

BY_NAME = {task.name: task for task in TASKS}


def prepared(name: str, folder: Path) -> Prepared:
    return Prepared(BY_NAME[name], folder)


@pytest.fixture(scope="module")
def monthly(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared("monthly", tmp_path_factory.mktemp("monthly"))


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared("panel", tmp_path_factory.mktemp("panel"))


def test_the_origins_are_those_of_the_test_windows(monthly: Prepared) -> None:
    # 144 rows: 102 to train, 14 to validate, 28 to test, so 17 windows of 12 steps
    assert monthly.origins == list(range(116, 133))
    assert len(monthly.times) == 144


def test_every_tool_gets_the_same_split_and_no_value_is_missing(panel: Prepared) -> None:
    job = json.loads(panel.write_job().read_text())
    table = pd.read_csv(job["file"], parse_dates=["time"])
    assert job["fitted_until"] == str(panel.times[-87])  # 86 days to test
    assert job["validated_from"] == str(panel.times[-129])  # 43 days to validate
    until = table[table["time"] <= panel.times[-1]]
    assert until["value"].notna().all()  # the gap of Bremen is filled
    assert sorted(set(table["series"])) == ["Aachen", "Bremen", "Celle", "Dresden", "Essen", "Fulda"]


def test_lstm_forecasts_from_a_file_without_the_values_after_the_origin(panel: Prepared) -> None:
    origin = panel.origins[1]
    known = pd.read_csv(panel.write_known(origin), parse_dates=["date"])
    after = known[known["date"] > panel.times[origin - 1]]
    assert after["sales"].isna().all()
    assert after["price"].isna().all()
    assert after["promo"].notna().all()
    assert after["date"].nunique() == 14
    assert known["date"].max() == panel.times[origin + 13]


def shifted(monthly: Prepared, by: float) -> dict:
    """Forecasts that are too high by a number, with an interval of 10 around them."""
    result = {}
    for origin in monthly.origins:
        point = monthly.truth(ALONE, origin) + by
        result[ALONE, origin] = Forecast(point=point, low=point - 5, high=point + 5)
    return result


def test_scores_worked_by_hand(monthly: Prepared) -> None:
    near, far = (score(monthly, shifted(monthly, by)) for by in (4.0, 8.0))
    visitors = pd.read_csv(monthly.source)["visitors"].to_numpy()[:102]
    scale = np.abs(visitors[12:] - visitors[:-12]).mean()
    assert near.mae == pytest.approx(4)
    assert near.mase == pytest.approx(4 / scale)
    assert (near.coverage, far.coverage) == (100, 0)
    assert difference(monthly, near, far) == pytest.approx(
        (50, 50, 50), abs=1e-6
    )  # half of the error, always


def test_a_missing_forecast_is_an_error(monthly: Prepared) -> None:
    made = shifted(monthly, 1.0)
    made.pop((ALONE, monthly.origins[3]))
    with pytest.raises(ValueError, match=f"from row {monthly.origins[3]}"):
        score(monthly, made)


def test_the_seasonal_naive_forecast_repeats_the_last_year(monthly: Prepared) -> None:
    visitors = pd.read_csv(monthly.source)["visitors"].to_numpy()
    assert monthly.seasonal_naive()[ALONE, 120].point.tolist() == visitors[108:120].tolist()


def test_a_kept_measurement_is_not_repeated(monthly: Prepared, tmp_path: Path) -> None:
    runs = []

    def measure() -> Measured:
        runs.append(1)
        return Measured(forecasts=shifted(monthly, 4.0), seconds=3.0, trained=None)

    first, second = (comparison.measured_once(tmp_path / "kept", "lstm", measure) for _ in range(2))
    assert runs == [1]
    assert (second.seconds, second.trained) == (3.0, None)
    assert score(monthly, second.forecasts).mae == pytest.approx(score(monthly, first.forecasts).mae)


def test_a_forecast_file_is_read_by_series(tmp_path: Path) -> None:
    file = tmp_path / "forecast.csv"
    file.write_text("date,shop,sales\n2024-01-01,a,1\n2024-01-02,a,2\n2024-01-01,b,3\n2024-01-02,b,4\n")
    found = comparison.read_column(file, "shop", "sales")
    assert {name: values.tolist() for name, values in found.items()} == {"a": [1, 2], "b": [3, 4]}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("name", comparison.TOOLS)
def test_every_tool_has_its_script_its_versions_and_its_models(name: str, task: Task) -> None:
    script = (comparison.WORKERS / f"windows_{name}.py").read_text()
    pinned = (comparison.WORKERS / f"{name}.txt").read_text().split()
    assert all("==" in line for line in pinned)
    assert all(f'"{model}": ' in script for model in comparison.TOOLS[name].models[task.name])


def test_a_tool_that_fails_is_a_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def pretended(made: Prepared) -> Measured:
        return Measured(forecasts=made.seasonal_naive(), seconds=2.0, trained=1.0)

    for variable in comparison.THREADS:
        monkeypatch.setenv(variable, "1")  # restored after the test
    monkeypatch.setattr(comparison, "own", pretended)
    words = ["--peers", str(tmp_path), "--only", "monthly", "--tools", "prophet"]
    assert comparison.main(words) == 1
    printed = capsys.readouterr().out
    assert "| prophet | defaults | failed: " in printed
    assert "| seasonal naive |  | 70.201 | 1.123" in printed  # as `lstm evaluate` reports them
