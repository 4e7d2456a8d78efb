"""Tests of keyword arguments as settings: values, errors, signatures and the generated types."""

import datetime
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lstm_cli as lstm
from lstm_cli.api.names import CONFIGS, python_text
from lstm_cli.api.settings import option_fields, read_settings
from lstm_cli.config import (
    EvaluateConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    TrainConfig,
    TuneConfig,
)
from lstm_cli.config.predict import TextSampling
from lstm_cli.config.tasks import PrepareOfTasks, TrainOfTasks


@pytest.mark.parametrize(
    ("kind", "name", "given", "expected"),
    [
        (PrepareConfig, "target", "OT", ("OT",)),
        (PrepareConfig, "target", ["A", "B"], ("A", "B")),
        (PrepareConfig, "target", pd.Index(["A"]), ("A",)),
        (PrepareConfig, "target", 3, ("3",)),  # a column of a DataFrame can have a number as its name
        (PrepareConfig, "past", None, ()),
        (PrepareConfig, "horizon", np.int64(24), 24),
        (PrepareConfig, "season", 24, (24,)),
        (PrepareConfig, "season", [24, np.int64(168)], (24, 168)),
        (PrepareConfig, "season", "none", "none"),
        (PrepareConfig, "lookback", "auto", None),
        (PrepareConfig, "val", 0.1, "0.1"),
        (PrepareConfig, "test", 168, "168"),
        (PrepareConfig, "test", pd.Timestamp("2020-03-01"), "2020-03-01T00:00:00"),
        (PrepareConfig, "start", datetime.date(2020, 1, 2), "2020-01-02"),
        (PrepareConfig, "end", np.datetime64("2020-01-02", "D"), "2020-01-02"),
        (PrepareConfig, "end", np.datetime64("2020-01", "M"), "2020-01-01"),
        (PredictConfig, "origin", np.datetime64("2020-01-09T08", "h"), "2020-01-09T08:00:00"),
        (PredictConfig, "origin", np.datetime64("2020-01-09T08:30", "ns"), "2020-01-09T08:30:00"),
        (PredictConfig, "origin", np.datetime64("NaT"), "NaT"),  # the step refuses it
        (PrepareConfig, "na_value", -999, ("-999",)),
        (TrainConfig, "hidden", 64, (64,)),
        (TrainConfig, "lr", 1, 1.0),
        (TrainConfig, "min", 0, 0.0),
        (TrainConfig, "dropout", "10%", 0.1),
        (TuneConfig, "time", "10m", 600.0),
        (
            TuneConfig,
            "space",
            {"lr": "1e-4..1e-2", "loss": ["mae", "huber"]},
            ("lr=1e-4..1e-2", "loss=mae|huber"),
        ),
        (QuantizeConfig, "max_loss", 0.02, 0.02),
        (PredictConfig, "level", [80, 95], (80.0, 95.0)),
        (PredictConfig, "quantiles", 0.5, (0.5,)),
        (EvaluateConfig, "output", Path("scores"), "scores"),
    ],
)
def test_a_value_gets_the_type_of_its_field(kind: type, name: str, given: Any, expected: Any) -> None:
    value = getattr(read_settings(kind, {name: given}), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (PrepareConfig, {"horizont": 24}, "unknown setting 'horizont'"),
        (PrepareConfig, {"horizon": 2.5}, "is not a whole number"),
        (PrepareConfig, {"horizon": True}, "horizon=True is not a whole number"),
        (PrepareConfig, {"calendar": 1}, "calendar=1 is not True or False"),
        (PrepareConfig, {"scaler": None}, "scaler=None is not one of standard"),
        (PrepareConfig, {"scaler": "z"}, "use one of standard"),
        (PrepareConfig, {"target": {"A": 1}}, "is not a text, or several"),
        (TrainConfig, {"lr": float("nan")}, "is not a number"),
        (QuantizeConfig, {"max_loss": 1}, "is ambiguous"),  # as on the command line
        (PredictConfig, {"level": 0.9}, "is ambiguous"),
        (PredictConfig, {"output": "forecast.csv"}, "returns a DataFrame, and has no setting 'output'"),
        (PredictConfig, {"shard": "1/2"}, "has no setting 'shard'"),
    ],
)
def test_an_invalid_setting_is_refused(kind: type, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(lstm.UsageError, match=message):
        read_settings(kind, settings)


def test_messages_name_the_arguments_of_python() -> None:
    text = "--level 'x' needs --time-format, not --no-intervals or --monthfirst ('lstm predict RUN --level 80') --odd"
    assert python_text(text) == (
        "`level='x'` needs `time_format`, not `intervals=False` or `dayfirst=False` (`run.predict(level=80)`) --odd"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write it like --horizon 24", "write it like `horizon=24`"),
        ("add --forecasts forecasts.csv", "add `forecasts='forecasts.csv'`"),
        ("give layer sizes: --hidden 64,32.", "give layer sizes: `hidden=[64, 32]`."),
        ("use --max-loss 1% or 0.01", "use `max_loss='1%'` or 0.01"),
        (
            "use --start and --end, or --freq h to accept it",
            "use `start` and `end`, or `freq='h'` to accept it",
        ),
        ("with more --test rows", "with more `test` rows"),
        ("use --target load, or --target '*'", "use `target='load'`, or `target='*'`"),
        ("add --pad", "add `pad`"),
        ("name another file with -o", "name another file with `output`"),
        ("run 'lstm train api/main' first", "run `run.train()` first"),
        ("'lstm train \"my run\" --from other --force'", "`run.train(from_='other', force=True)`"),
        ("'lstm prepare DATA runs/a --horizon 3'", "`lstm.prepare(data, 'runs/a', horizon=3)`"),
        ("'lstm history a --rollback 2'", "`run.history(rollback=2)`"),
        ("'lstm predict RUN --only A --only B'", "`run.predict(only=['A', 'B'])`"),
        ("see 'lstm train --help', or 'lstm runs a'", "see 'lstm train --help', or 'lstm runs a'"),
        ("--quiet and --dry-run", "--quiet and --dry-run"),
    ],
)
def test_hints_are_python(text: str, expected: str) -> None:
    assert python_text(text) == expected


def test_a_hint_about_a_file_names_the_methods_of_a_frame() -> None:
    with pytest.raises(lstm.UsageError) as caught:
        read_settings(PredictConfig, {"output": "forecast.csv"})
    assert ".to_csv('forecast.csv', index=False)" in caught.value.hint


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (lstm.prepare, [PrepareConfig]),
        (lstm.check, [PrepareConfig]),
        (lstm.Run.train, [TrainConfig]),
        (lstm.Run.tune, [TuneConfig, TrainConfig]),
        (lstm.Run.evaluate, [EvaluateConfig]),
        (lstm.Run.predict, [PredictConfig]),
    ],
)
def test_the_signature_and_the_help_have_each_setting(function: Any, kinds: list[type]) -> None:
    shown = inspect.signature(function).parameters
    for kind in kinds:
        for field in option_fields(kind):
            assert shown[field.name].default == field.default
            assert f"\n    {field.name}: " in function.__doc__
    assert "settings" not in shown


def test_the_types_have_each_setting() -> None:
    from lstm_cli.api import options

    for kind in CONFIGS:
        types = getattr(options, kind.__name__.removesuffix("Config") + "Options")
        shared = {
            TuneConfig: (TrainConfig, TrainOfTasks),
            TrainConfig: (TrainOfTasks,),
            PrepareConfig: (PrepareOfTasks,),
            PredictConfig: (TextSampling,),
        }.get(kind, ())
        expected = {field.name for each in (kind, *shared) for field in option_fields(each)}
        assert set(types.__annotations__) | set(types.__optional_keys__) == expected
