"""Small runs of many kinds for the tests of the server, and the rows of requests."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from small_steps import LINEAR

from lstm_cli.config import PredictConfig, PrepareConfig, TrainConfig
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.events import WarningRaised, ignore_events
from lstm_cli.serving.model import CSV, JSON, Answer, ForecastQuery, ServedModel
from lstm_cli.serving.model.public_text import public_finding
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

Columns = Mapping[str, list[Any]]  # cells of a file; None for a missing value


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Kind of run: its file, its settings, and how many rows of it a request has."""

    columns: Columns
    config: PrepareConfig
    rows: int
    train: TrainConfig = LINEAR
    ahead: int = 0  # last rows of each series, without targets


def hours(count: int, start: str = "2024-01-01T00:00") -> list[str]:
    times = np.datetime64(start) + np.arange(count) * np.timedelta64(1, "h")
    return [str(time).replace("T", " ") for time in times]


def wave(count: int, *, level: float = 50.0, seed: int = 0, season: int = 24) -> list[float]:
    rng = np.random.default_rng(seed)
    values = level * (1 + 0.3 * np.sin(np.arange(count) * 2 * np.pi / season) + 0.03 * rng.normal(size=count))
    return [round(float(value), 2) for value in values]


def _panel() -> Columns:
    """Return shops with two targets, words, a known-ahead promotion and a missing price."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("day", "shop", "sales", "visits", "sky", "price", "promo")
    }
    rows, ahead = 150, 7
    for number, shop in enumerate(("Aachen", "Bonn", "=Köln")):
        days = [str(np.datetime64("2024-01-01") + row) for row in range(rows + ahead)]
        sales, visits = (
            wave(rows, level=level, seed=number, season=7) for level in (40.0 * (number + 1), 300.0)
        )
        columns["day"] += days
        columns["shop"] += [shop] * len(days)
        columns["sales"] += [*sales, *[None] * ahead]
        columns["visits"] += [*map(round, visits), *[None] * ahead]
        columns["sky"] += [*(("sun", "rain")[row % 2] for row in range(rows)), *[None] * ahead]
        columns["price"] += [*wave(rows, level=5.0, seed=7 + number), *[None] * ahead]
        columns["promo"] += [("gift", "plain", "plain")[row % 3] for row in range(len(days))]
        columns["price"][-ahead - 9] = None
    return columns


def _months(count: int) -> list[str]:
    return [str(np.datetime64("2000-01") + month) + "-01" for month in range(count)]


KINDS = {
    "hourly": Kind(
        columns={"time": hours(400), "load": wave(400)},
        config=PrepareConfig(target=("load",), horizon=12, lookback=48),
        rows=60,
    ),
    "future": Kind(
        columns={
            "time": hours(412),
            "load": [*wave(400), *[None] * 12],
            "heat": [*wave(400, seed=5), *[None] * 12],
            "wind": wave(412, level=7.0, seed=3),
        },
        config=PrepareConfig(
            target=("load", "heat"), future=("wind",), horizon=12, lookback=24, calendar=True
        ),
        rows=50,
        ahead=12,
    ),
    "panel": Kind(
        columns=_panel(),
        config=PrepareConfig(
            target=("sales", "visits"),
            past=("sky", "price"),
            future=("promo",),
            series=("shop",),
            horizon=7,
            lookback=14,
            calendar=True,
        ),
        rows=400,
        ahead=7,
    ),
    "zone": Kind(
        columns={"time": hours(400, "2024-10-10T00:00"), "load": wave(400)},
        config=PrepareConfig(target=("load",), horizon=12, lookback=24, tz="Europe/Berlin"),
        rows=60,
    ),
    "offsets": Kind(
        columns={"time": [f"{time}:00+01:00" for time in hours(300)], "load": wave(300)},
        config=PrepareConfig(target=("load",), horizon=6, lookback=24),
        rows=40,
    ),
    "months": Kind(
        columns={"month": _months(200), "sold": list(map(round, wave(200, level=90.0, season=12)))},
        config=PrepareConfig(target=("sold",), horizon=6, lookback=24),
        rows=36,
    ),
    "rows": Kind(
        columns={"load": wave(300)}, config=PrepareConfig(target=("load",), horizon=6, lookback=24), rows=40
    ),
    "wide": Kind(
        columns={"time": hours(300), "A": wave(300), "B": wave(300, level=900.0, seed=1)},
        config=PrepareConfig(wide=True, horizon=6, lookback=24),
        rows=40,
    ),
    "semicolons": Kind(
        columns={
            "Zeit": [
                f"{str(day)[8:]}.{str(day)[5:7]}.{str(day)[:4]}"
                for day in np.datetime64("2023-01-01") + np.arange(300)
            ],
            "Last": [f"{value:.2f}".replace(".", ",") for value in wave(300, level=1300.0, season=7)],
        },
        config=PrepareConfig(target=("Last",), horizon=6, lookback=21, delimiter=";", decimal=","),
        rows=40,
    ),
}


def make_run(kind: Kind, folder: Path) -> Path:
    """Return a trained run of a kind."""
    (folder / "data.csv").write_bytes(as_csv(kind.columns, kind.config.delimiter or ","))
    prepare(str(folder / "data.csv"), folder / "run", kind.config, ignore_events)
    train(folder / "run", kind.train, ignore_events)
    return folder / "run"


def last_rows(kind: Kind) -> Columns:
    """Return the rows of a request."""
    return {name: cells[-kind.rows :] for name, cells in kind.columns.items()}


def as_csv(columns: Columns, delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        ["" if cell is None else cell for cell in row] for row in zip(*columns.values(), strict=True)
    )
    return text.getvalue().encode()


def as_records(columns: Columns) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def as_json(columns: Columns) -> bytes:
    return json.dumps(as_records(columns)).encode()


def answer(
    model: ServedModel, body: bytes, media_type: str = JSON, accept: str = CSV, **query: Any
) -> Answer:
    """Return the answer to one request, in a batch of its own."""
    rows = model.read(body, media_type, ForecastQuery(**query))
    (result,) = model.forecast([rows])
    assert isinstance(result, Forecast), result
    return model.write(rows, result, accept)


def predicted(
    run: Path, body: bytes, folder: Path, *, format: str = "csv", **settings: Any
) -> tuple[bytes, list[str]]:
    """Return the output of `lstm predict RUN NEW`, and its warnings as clients get them, with the name of a body."""
    new = folder / "new.data"
    new.write_bytes(body)
    warnings: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, WarningRaised):
            text = event.finding.text.replace(str(new), "the body")
            warnings.append(public_finding(replace(event.finding, text=text), str(run), run.name).text)

    output = folder / f"forecast.{format}"
    predict(run, str(new), PredictConfig(output=str(output), **settings), listen)
    return output.read_bytes(), warnings
