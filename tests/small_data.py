"""Small datasets, made like `prepare` makes them: split, fit the scaler, scale, fill."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, training_statistics
from lstm_cli.data.dataset.imputation import impute
from lstm_cli.data.dataset.scaling import fit_scaler
from lstm_cli.data.frequency.calendar_features import calendar_feature_names
from lstm_cli.data.frequency.step import HOUR, Step
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.training.setup.hyperparameters import Hyperparameters

HOURLY = Step(kind="seconds", count=HOUR)


def wave(rows: int, columns: int = 1, *, seed: int = 0, season: int = 12, noise: float = 0.1) -> np.ndarray:
    """Return [rows, columns] float64 with a sine and noise. Each column has a different level."""
    generator = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(rows)[:, None] / season + np.arange(columns)
    return 10.0 * (1 + np.arange(columns)) + np.sin(phase) + noise * generator.normal(size=(rows, columns))


def dataset(
    series: Sequence[np.ndarray],
    *,
    train_end: Sequence[int],
    val_end: Sequence[int],
    lookback: int = 8,
    horizon: int = 4,
    past: int = 0,
    future: int = 0,
    calendar: bool = False,
    ahead: Sequence[int] | None = None,
    seasons: tuple[int, ...] = (),
    missing: str = "interpolate",
    scaler: str = "standard",
    lookback_fixed: bool = True,
    pad: bool = False,
) -> Dataset:
    """Return a dataset of series, each [rows, columns] in the units of the file, targets first, NaN: missing.

    train_end, val_end: per series. ahead: number of last rows per series without target values (known ahead).
    """
    columns = series[0].shape[1]
    targets = columns - past - future
    train = [rows[:end] for rows, end in zip(series, train_end, strict=True)]
    fitted = fit_scaler(scaler, train)
    deviation = fit_scaler("standard", [rows[:, :targets] for rows in train]).scale
    season = seasons[0] if seasons else 1
    scaled = [fitted.transform(rows, number).astype(np.float32) for number, rows in enumerate(series)]
    lengths = np.array([len(rows) for rows in series], dtype=np.int64)
    beyond = np.zeros_like(lengths) if ahead is None else np.array(ahead, dtype=np.int64)
    return Dataset(
        schema=Schema(
            targets=tuple(f"target{number}" for number in range(targets)),
            past=tuple(f"past{number}" for number in range(past)),
            future=tuple(f"future{number}" for number in range(future)),
            calendar=calendar_feature_names(HOURLY) if calendar else (),
            time_columns=("time",),
            time_format=TimeFormat(pattern="%Y-%m-%d %H:%M:%S"),
            series_columns=("series",) if len(series) > 1 else (),
            delimiter=",",
            step=HOURLY,
            horizon=horizon,
            lookback=lookback,
            lookback_fixed=lookback_fixed,
            pad=pad,
            seasons=seasons,
            missing=missing,
        ),
        series=SeriesTable(
            names=tuple(f"series{number}" for number in range(len(series))),
            origin_us=np.zeros(len(series), dtype=np.int64),
            offset=np.cumsum(lengths) - lengths,
            count=lengths - beyond,
            ahead=beyond,
            train_end=np.array(train_end, dtype=np.int64),
            val_end=np.array(val_end, dtype=np.int64),
        ),
        values_scaled=np.concatenate([impute(rows, method=missing, season=season) for rows in scaled]),
        measured=np.concatenate([~np.isnan(rows) for rows in series]),
        scaler=fitted,
        training=training_statistics([rows[:, :targets] for rows in train], season, deviation),
    )


def plan(**changes: Any) -> Hyperparameters:
    """Return a short training plan. `changes` replaces its settings."""
    settings: dict[str, Any] = {
        "epochs": 3,
        "stop_after": changes.get("epochs", 3),
        "steps_per_epoch": 5,
        "batch_size": 8,
        "optimizer": "adamw",
        "lr": 1e-2,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warmup": 0,
        "clip_norm": 0.0,
        "clip_value": None,
        "max_norm": None,
        "loss": "mae",
        "patience": 10,
        "min_delta": 0.0,
        "bf16": False,
        "averaged": False,
        "seed": 0,
    }
    return Hyperparameters(**settings | changes)
