"""Tests of `predict RUN NEW` with NEW cut at an origin: the forecast equals that of `evaluate` at this origin."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_steps import TRAIN

from lstm_cli.config import EvaluateConfig, PredictConfig, PrepareConfig, TrainConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Batch, Windows
from lstm_cli.data.forecast.bounds import inverse_transform
from lstm_cli.errors import DataError
from lstm_cli.evaluation import scoring
from lstm_cli.events import ignore_events
from lstm_cli.inference.trained_model import load_model, rescale_to_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

HORIZON, ORIGINS = 5, 20
NAMES = ("sales", "visits", "price", "promo")  # two targets, a past and a future covariate
NETWORK = replace(TRAIN, parts=("linear", "anchored"), refit=False, lr=0.05, log_transform="off")
PREPARE = PrepareConfig(
    target=NAMES[:2],
    past=NAMES[2:3],
    future=NAMES[3:],
    series=("shop",),
    horizon=HORIZON,
    lookback=21,
    season=(7,),
    calendar=True,
)
Shops = Mapping[str, np.ndarray]  # of each its rows [T, 4], NaN where not measured, one a day
END = np.datetime64("2024-12-31")  # the day after the last row of every shop


def shops(*, lengths: Mapping[str, int], gaps: float, late: bool = False) -> Shops:
    """Return a weekly season at a random level. gaps: share of missing values. late: missing at the start too."""
    made = {}
    for number, (name, length) in enumerate(lengths.items()):
        rng = np.random.default_rng(number)
        promo = (rng.random(length) < 0.2) + 0.1 * rng.normal(size=length)
        turn = 0.3 * np.sin(np.arange(length) * 2 * np.pi / 7) + 0.2 * promo
        price = 5 + rng.normal(size=length)
        sales, visits = (
            level * np.exp(turn + 0.02 * price + 0.05 * rng.normal(size=length))
            for level in (10.0 ** (number + 1), 300.0)
        )
        rows = np.stack([sales, visits, price, promo], axis=1)
        rows[rng.random(rows.shape) < gaps * np.array([1, 1, 1, 0.2])] = np.nan
        if gaps:  # both targets are missing, and whole rows
            rows[rng.random(length) < gaps, :2] = np.nan
            rows[rng.random(length) < gaps / 4] = np.nan
        rows[0, 0] = 10.0 ** (number + 1)
        if late:
            rows[:9, 1] = rows[:14, 2] = rows[:3, 3] = np.nan
        made[name] = rows
    return made


def begins(data: Shops) -> dict[str, np.datetime64]:
    """Return the day of each shop's first row; all shops end together."""
    return {name: END - len(rows) for name, rows in data.items()}


def written(path: Path, data: Shops, first: Mapping[str, np.datetime64]) -> Path:
    """Write the rows. A row without any value is left out, so it becomes a gap in the time grid."""
    lines = [",".join(("day", "shop", *NAMES))]
    for name, rows in data.items():
        for row, values in enumerate(rows):
            if not np.isnan(values).all():
                cells = ("" if np.isnan(value) else f"{value:.6g}" for value in values)
                lines.append(",".join((str(first[name] + row), name, *cells)))
    path.write_text("\n".join(lines) + "\n")
    return path


def cut_at(rows: np.ndarray, origin: int) -> np.ndarray:
    """Return the rows before an origin, and the known-ahead covariate of its horizon."""
    known = rows[: origin + HORIZON].copy()
    known[origin:, :3] = np.nan
    return known


@dataclass(frozen=True, kw_only=True)
class Case:
    """Data and settings of a case."""

    data: Shops
    prepare: PrepareConfig = PREPARE
    train: TrainConfig = NETWORK


CASES = {
    "a panel": Case(data=shops(lengths={"A": 150, "B": 110}, gaps=0)),
    "gaps": Case(data=shops(lengths={"A": 220, "B": 180}, gaps=0.08)),
    "gaps filled by season": Case(
        data=shops(lengths={"A": 200}, gaps=0.08), prepare=replace(PREPARE, missing="season")
    ),
    "padding and columns that begin later": Case(
        data=shops(lengths={"A": 200, "B": 80}, gaps=0.04, late=True),
        prepare=replace(PREPARE, pad=True, missing="last"),
    ),
    "log transform and columns that begin later": Case(
        data=shops(lengths={"A": 200, "B": 80}, gaps=0.04, late=True),
        prepare=replace(PREPARE, pad=True),
        train=replace(NETWORK, log_transform="on"),
    ),
}


def scored_by_evaluate(run: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int], np.ndarray]:
    """Return the forecast [H, C] of every window that `evaluate` scores, by its series and the row of its origin."""
    result: dict[tuple[str, int], np.ndarray] = {}
    score = scoring.score

    def watched(windows: Windows, forecaster: Any, bounds: Any, *, on_forecast: Any, **options: Any) -> Any:
        data, forecasts = windows.dataset, []

        def noted(name: str, batch: Batch, forecast_scaled: np.ndarray) -> None:
            on_forecast(name, batch, forecast_scaled)
            if name == "model":
                forecasts.append(inverse_transform(data, forecast_scaled, batch.series, bounds))

        sums = score(windows, forecaster, bounds, on_forecast=noted, **options)
        rows = (windows.origins - data.series.offset[windows.series]).tolist()
        names = [data.series.names[item] for item in windows.series]
        result.update(zip(zip(names, rows, strict=True), np.concatenate(forecasts), strict=True))
        return sums

    with monkeypatch.context() as patch:
        patch.setattr(scoring, "score", watched)
        report = evaluate(run, EvaluateConfig(threads=1), ignore_events)
    assert report.windows == len(result)
    return result


def predicted(
    run: Path, new: Path, folder: Path, begun: Mapping[str, np.datetime64]
) -> dict[tuple[str, int], np.ndarray]:
    """Return the forecast [H, C] of each series of NEW, by the series and the row of its first step."""
    output = folder / "forecast.csv"
    config = PredictConfig(output=str(output), intervals=False, threads=1, ended="include")
    predict(run, str(new), config, ignore_events)
    header, *lines = csv.reader(output.read_text().splitlines())
    columns = [header.index(name) for name in NAMES[:2]]
    steps: dict[str, list[list[float]]] = {}
    first: dict[str, int] = {}
    for line in lines:
        shop, day = line[0], np.datetime64(line[1], "D")
        first.setdefault(shop, int((day - begun[shop]).astype(int)))
        steps.setdefault(shop, []).append([float(line[column]) for column in columns])
    return {(shop, first[shop]): np.array(rows) for shop, rows in steps.items()}


def origins_of(
    run: Path, new: Path, folder: Path, begun: Mapping[str, np.datetime64]
) -> set[tuple[str, int]]:
    """Return where the forecast of each series of NEW begins; nowhere if it is refused."""
    try:
        return set(predicted(run, new, folder, begun))
    except DataError:
        return set()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_predict_forecasts_what_evaluate_scored(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, begun = tmp_path / "run", begins(case.data)
    data = str(written(tmp_path / "data.csv", case.data, begun))
    counted = prepare(data, run, case.prepare, ignore_events).windows
    train(run, case.train, ignore_events)
    scored = scored_by_evaluate(run, monkeypatch)
    assert counted["test"] == len(scored)
    with open_run(run) as opened:
        dataset = rescale_to_model(load_dataset(opened), load_model(opened))
    assert dataset.scaler.log_transformed == (case.train.log_transform == "on")
    table, deviation = (
        dataset.series,
        dict(zip(dataset.series.names, dataset.training.deviation, strict=True)),
    )
    borders = zip(table.names, table.val_end.tolist(), table.count.tolist(), strict=True)
    possible = {name: range(end, count - HORIZON + 1) for name, end, count in borders}
    for number in range(ORIGINS):
        origins = {}
        for name in case.data:
            own = [row for shop, row in scored if shop == name]
            origins[name] = own[number * (len(own) - 1) // (ORIGINS - 1)]
        new = {name: cut_at(rows, origins[name]) for name, rows in case.data.items()}
        result = predicted(run, written(tmp_path / "new.csv", new, begun), tmp_path, begun)
        assert set(result) == set(origins.items())
        for key, forecast in result.items():
            apart = np.abs(forecast - scored[key]) / deviation[key[0]]
            assert apart.max() < 1e-4
    left_out = [(name, row) for name, rows in possible.items() for row in rows if (name, row) not in scored]
    assert bool(left_out) == any(np.isnan(rows).any() for rows in case.data.values())
    for name, row in left_out[:: max(1, len(left_out) // 6)]:
        new = {name: cut_at(case.data[name], row)}
        path = written(tmp_path / "new.csv", new, begun)
        if np.isnan(case.data[name][row - 1, :2]).all():
            assert (name, row) not in origins_of(run, path, tmp_path, begun)
        else:
            with pytest.raises(DataError, match="'promo'"):
                predicted(run, path, tmp_path, begun)
