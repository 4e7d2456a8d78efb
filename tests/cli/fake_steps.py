"""Steps that do nothing but speak and report, for tests of the command line in this and in other processes.

A process loads the steps that it runs alone: tests start many of them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.errors import GateFailed, Interrupted
from lstm_cli.events import EpochEnded, Noted, Progressed, TrainingStarted, Warned
from lstm_cli.findings import Finding

if TYPE_CHECKING:
    from lstm_cli.steps.check.report import CheckReport
    from lstm_cli.steps.evaluate.report import EvaluateReport
    from lstm_cli.steps.export import ExportReport
    from lstm_cli.steps.predict import PredictReport
    from lstm_cli.steps.prepare.report import PrepareReport
    from lstm_cli.steps.quantize import QuantizeReport
    from lstm_cli.steps.train.find_lr import FindLrReport
    from lstm_cli.steps.train.fit_and_commit import TrainReport
    from lstm_cli.steps.tune.record import TuneReport
    from lstm_cli.steps.verify import VerifyReport

VERBS = ("check", "prepare", "train", "tune", "evaluate", "quantize", "predict", "export", "verify", "config")
MODULES = {verb: f"lstm_cli.steps.{'show_config' if verb == 'config' else verb}" for verb in VERBS}
calls: list[dict[str, Any]] = []  # what each step was given


def install() -> None:
    """Put the fakes in the place of the steps that the command line names, for the rest of this process."""
    for verb in set(VERBS) & set(sys.argv):
        setattr(import_module(MODULES[verb]), verb, globals()[verb])
    if os.environ.get("FAKE_PATIENT"):  # a busy machine may take seconds to the next step
        from lstm_cli.cli import signals

        signals.deferred.__wrapped__.__kwdefaults__.update(grace=3600.0, limit=3600.0)


def command(*argv: str) -> list[str]:
    """The command line of a fresh process that runs `lstm` with the fakes."""
    program = "import fake_steps; fake_steps.install(); from lstm_cli.cli.main import main; main()"
    return [sys.executable, "-c", program, *argv]


def environment(**more: str) -> dict[str, str]:
    """The environment for `command`: ours without any setting of lstm, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LSTM_")}
    paths = (str(Path(__file__).parent), kept.get("PYTHONPATH"))
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)} | more


def scores(factor: float) -> dict[str, float | None]:
    figures = {"mae": 0.5, "rmse": 0.7, "smape": 12.3, "mase": 0.9, "mse_scaled": 0.05, "mae_scaled": 0.17}
    return {name: figure * factor for name, figure in figures.items()}


def check_report(**changes: Any) -> CheckReport:
    from lstm_cli.steps.check.report import CheckReport

    column = {
        "name": "OT",
        "reads_as": "number",
        "part": "target",
        "missing": 3,
        "first_missing": 8,
        "value": None,
        "least": -4.08,
        "greatest": 46.007,
    }
    time = column | {"name": "date", "reads_as": "time", "part": "time", "least": None, "greatest": None}
    hole = {
        "line": 120,
        "series": None,
        "from": "2016-07-05 23:00",
        "to": "2016-07-06 03:00",
        "rows": 5,
    }
    values: dict[str, Any] = {
        "source": "load.csv",
        "rows": 17420,
        "columns": [time, column],
        "target_named": True,
        "targets": ("OT",),
        "past": (),
        "future": (),
        "series": 1,
        "ended": (),
        "time": {"column": "date", "start": "2016-07-01", "end": "2018-06-26 19:00"},
        "freq": "h",
        "holes": {"count": 6, "longest": hole, "places": [hole, hole | {"line": 400, "rows": 1}]},
        "doubles": {"count": 1, "lines": [77]},
        "daylight_saving": {
            "skipped": 0,
            "skipped_after": [],
            "told_twice": 1,
            "told_twice_lines": [77],
        },
        "outliers": [{"column": "OT", "count": 2, "lines": [9, 4000], "values": [99.0, -99.0]}],
        "strength": [{"column": "OT", "season": 24, "season_strength": 0.29, "trend_strength": 0.98}],
        "seasons": (24, 168),
        "season_reason": "hourly data",
        "lookback": 336,
        "horizon": 24,
        "windows": {"train": 11835, "val": 1719, "test": 3461},
        "split_rows": {"train": 12194, "val": 1742, "test": 3484},
        "expected": {"memory_mb": 900, "seconds": (26, 110)},
        "findings": [
            {
                "kind": "outliers",
                "severity": "warning",
                "text": "load.csv, line 9, column 'OT': 99 is far from the values before and after",
                "column": "OT",
                "lines": (9, 4000),
                "count": 2,
                "flags": ("--scaler",),
            }
        ],
        "refused": None,
        "picture": None,
    }
    return CheckReport(**values | changes)


def prepare_report(**changes: Any) -> PrepareReport:
    from lstm_cli.steps.prepare.report import PrepareReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "source": "load.csv",
        "rows": 17420,
        "target_sum": 12.5,
        "targets": ("OT",),
        "past": (),
        "future": (),
        "calendar": ("hour",),
        "series": 1,
        "ended": (),
        "time_start": "2016-07-01T00:00:00",
        "time_end": "2018-06-26T19:00:00",
        "freq": "h",
        "season": 24,
        "seasons": (24, 168),
        "season_reason": "the training rows repeat at 24",
        "lookback": 336,
        "lookback_reason": "two of the longest season",
        "horizon": 24,
        "windows": {"train": 11835, "val": 1719, "test": 3461},
        "split_rows": {"train": 12194, "val": 1742, "test": 3484},
        "filled": 3,
        "scaler": "standard",
        "megabytes": 0.1,
        "warnings": (),
        "findings": (),
    }
    return PrepareReport(**values | changes)


def train_report(**changes: Any) -> TrainReport:
    from lstm_cli.steps.train.fit_and_commit import TrainReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "model": "segment",
        "parameters": 139166,
        "lookback": 336,
        "reads_rows": 1008,
        "horizon": 24,
        "series": 1,
        "device": "cpu",
        "precision": "fp32",
        "threads": 2,
        "seed": 0,
        "epochs_run": 11,
        "best_epoch": 7,
        "steps": 2013,
        "refitted": True,
        "parts": {
            "linear": {"mae_scaled": 0.32, "mase": 0.9},
            "anchored": {"mae_scaled": 0.315, "mase": 0.89},
        },
        "trainings": [
            {
                "name": "anchored",
                "lr": 1e-3,
                "best_epoch": 7,
                "epochs_run": 11,
                "steps": 2013,
                "stopped": "patience",
                "diagnosis": (),
            }
        ],
        "weights": {"linear": [0.25, 0.3, 0.35, 0.4], "anchored": [0.75, 0.7, 0.65, 0.6]},
        "choices": {"logs": "off, as --log-transform says", "refit": "on training and validation rows"},
        "val": {"mae_scaled": 0.31, "mase": 0.88},
        "val_baselines": {
            "naive": {"mae_scaled": 0.6, "mase": 1.5},
            "seasonal_naive": {"mae_scaled": 0.4, "mase": 1.02},
            "linear": {"mae_scaled": 0.32, "mase": 0.9},
        },
        "baseline_season": 168,
        "mase_season": 24,
        **compared(
            {"linear": (2.2, 0.9, 3.5), "seasonal_naive": (13.7, 10.2, 17.2), "naive": (41.3, 37, 45)}
        ),
        "chosen_on": {
            "split": "val",
            "windows": 178,
            "time_start": "2024-02-28T20:00:00",
            "time_end": "2024-03-08T04:00:00",
        },
        "linear": {"lookback": 336, "regressions": 57, "families": {"ridge": 0.9, "smoothing": 0.1}},
        "stopped": "patience",
        "diagnosis": (),
        "notes": ("no forecast below 0: no training value is negative",),
        "seconds": 12.3,
        "warnings": (),
        "findings": (),
    }
    return TrainReport(**values | changes)


def compared(found: dict[str, tuple[float, float, float]]) -> dict[str, Any]:
    """The keys of a comparison with baselines, lowest error first: the difference in percent and its interval."""
    each = {name: {"difference": one, "interval": [low, high]} for name, (one, low, high) in found.items()}
    best = next(iter(each), None)
    return {"comparison": best and {"baseline": best, **each[best]}, "comparisons": each}


def tune_report(**changes: Any) -> TuneReport:
    from lstm_cli.steps.tune.record import TuneReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "method": "random",
        "model": "segment",
        "space": {"hidden": "32..256:log", "loss": "mae|huber"},
        "fixed": {"epochs": 3},
        "seed": 0,
        "wanted": 3,
        "states": {"done": 2, "failed": 1},
        "metric": "mase",
        "best": {
            "number": 2,
            "score": 0.81,
            "settings": {"hidden": [48], "loss": "huber"},
            "metrics": scores(0.9),
        },
        "winner": {"model": "segment", "epochs": 3, "hidden": [48], "loss": "huber"},
        "importance": {
            "hidden": {"share": 0.62, "rank_correlation": -0.5},
            "loss": {"share": None, "rank_correlation": None},
        },
        "trials": [
            {
                "number": 0,
                "state": "done",
                "score": 0.9,
                "settings": {"hidden": [200], "loss": "mae"},
                "seconds": 4.0,
                "reason": None,
            },
            {
                "number": 1,
                "state": "failed",
                "score": None,
                "settings": {"hidden": [99], "loss": "mae"},
                "seconds": 0.1,
                "reason": "training diverged at epoch 1",
            },
            {
                "number": 2,
                "state": "done",
                "score": 0.81,
                "settings": {"hidden": [48], "loss": "huber"},
                "seconds": 5.0,
                "reason": None,
            },
        ],
        "finished": True,
        "val": {"mae_scaled": 0.31, "mase": 0.81},
        "val_baselines": {"linear": {"mae_scaled": 0.32, "mase": 0.9}},
        "baseline_season": 168,
        "mase_season": 24,
        **compared({"linear": (10.0, 4.0, 16.0)}),
        "chosen_on": {"split": "val", "windows": 3, "time_start": None, "time_end": None},
        "picture": "runs/load/tune/0004/importance.png",
        "seconds": 9.1,
        "warnings": (),
        "findings": (),
    }
    return TuneReport(**values | changes)


def find_lr_report(**changes: Any) -> FindLrReport:
    from lstm_cli.steps.train.find_lr import FindLrReport

    part = {
        "part": "free",
        "suggestion": 3e-3,
        "fall": 0.2,
        "lowest_at": 3e-2,
        "lr": [],
        "loss": [],
        "smoothed": [],
    }
    values: dict[str, Any] = {
        "run": "runs/load",
        "model": "segment",
        "suggestion": 3e-3,
        "parts": [part],
        "device": "cpu",
        "threads": 2,
        "seed": 0,
        "picture": "rates.png",
        "seconds": 3.2,
    }
    return FindLrReport(**values | changes)


def evaluate_report(**changes: Any) -> EvaluateReport:
    from lstm_cli.steps.evaluate.report import EvaluateReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "model": "segment",
        "precision": "fp32",
        "split": "test",
        "windows": 3461,
        "metrics": scores(1),
        "parts": {"linear": scores(1.001), "anchored": scores(1.02)},
        "baselines": {"naive": scores(1.9), "seasonal_naive": scores(1.25), "linear": scores(1.001)},
        "baseline_season": 168,
        "mase_season": 24,
        **compared({"linear": (0.1, -1.0, 1.2), "seasonal_naive": (20.0, 15.5, 24.5)}),
        "per_step": [{"step": step, **scores(step / 24)} for step in range(1, 25)],
        "per_target": {"OT": scores(1)},
        "per_series": {"": scores(1)},
        "worst": [],
        "backtest": None,
        "gates": [],
        "picture": "runs/load/scores/0001/forecasts.png",
        "coverage": {"80": 81.2, "95": 95.4},
        "width": {"80": 1.7, "95": 3.1},
        "width_scaled": {"80": 0.6, "95": 1.1},
        "wql": 0.123,
        "mase_left_out": 0,
        "warnings": (),
        "findings": (),
    }
    return EvaluateReport(**values | changes)


def quantize_report(**changes: Any) -> QuantizeReport:
    from lstm_cli.steps.quantize import QuantizeReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "to": "int8",
        "size": {"fp32": 280000, "quantized": 70000},
        "latency_ms": {"fp32": 1.2, "quantized": 0.7},
        "batch": 64,
        "mae_scaled": {"fp32": 0.3123, "quantized": 0.3125},
        "loss": 0.0006,
        "max_loss": 0.01,
        "warnings": (),
        "findings": (),
    }
    return QuantizeReport(**values | changes)


def predict_report(**changes: Any) -> PredictReport:
    from lstm_cli.steps.predict import PredictReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "output": "-",
        "format": "csv",
        "precision": "int8",
        "rows": 24,
        "series": 1,
        "horizon": 24,
        "lookback": 336,
        "reads_rows": 1008,
        "time_start": "2018-06-26 20:00:00",
        "time_end": "2018-06-27 19:00:00",
        "ended": (),
        "seconds": {"read": 0.1, "model": 0.1, "write": 0.1},
        "warnings": (),
        "findings": (),
    }
    return PredictReport(**values | changes)


def export_report(**changes: Any) -> ExportReport:
    from lstm_cli.steps.export import ExportReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "to": "onnx",
        "output": "runs/load/exports/model.onnx",
        "about": "runs/load/exports/model.onnx.json",
        "size": 1336600,
        "model": "segment",
        "shapes": {"past": ["batch", 336, 7], "mask": ["batch", 336], "forecast": ["batch", 24, 1]},
        "bounds": None,
        "difference": None,
        "compared": 0,
        "warnings": (),
        "findings": (),
    }
    return ExportReport(**values | changes)


def check(source, config, listen, *, plot=None, stdin=None):
    calls.append({"source": source, "config": config, "plot": plot})
    _misbehave()
    return check_report(source=source, picture=plot)


def verify_report(**changes: Any) -> VerifyReport:
    from lstm_cli.steps.verify import VerifyReport

    values: dict[str, Any] = {
        "run": "runs/load",
        "artifacts": (
            {
                "artifact": "data",
                "folder": "data/0001",
                "files": 6,
                "size": 71234,
                "state": "ok",
                "findings": (),
                "rebuild": "",
            },
        ),
        "files": 6,
        "size": 71234,
        "broken": (),
        "stale": (),
        "rebuild": (),
    }
    return VerifyReport(**values | changes)


def prepare(source, run, config, listen, *, force=False, lock_wait=0.0, sources=None, stdin=None):
    calls.append(
        {
            "source": source,
            "run": run,
            "config": config,
            "force": force,
            "lock_wait": lock_wait,
            "sources": sources,
        }
    )
    listen(
        Warned(finding=Finding(rule="D602", text="3 cells are filled, first in line 7; --missing decides"))
    )
    _misbehave()
    return prepare_report(run=str(run), source=source)


def train(
    run,
    config,
    listen,
    *,
    force=False,
    lock_wait=0.0,
    sources=None,
    fresh=False,
    checkpoint_every=None,
    should_stop: Callable[[], int | None],
):
    """With FAKE_EPOCHS=N: as many epochs of .1 s, which end where should_stop says so. FAKE_DEAF=1: never."""
    how = {"lock_wait": lock_wait, "fresh": fresh, "checkpoint_every": checkpoint_every}
    calls.append({"run": run, "config": config, "force": force, "sources": sources, **how})
    listen(Noted(text="training on cpu (2 threads)"))
    epochs = int(os.environ.get("FAKE_EPOCHS", "2"))
    listen(
        TrainingStarted(
            model=config.model, parameters=139166, windows=11667, epochs=epochs, steps_per_epoch=10
        )
    )
    while os.environ.get("FAKE_DEAF"):
        with suppress(Interrupted):
            time.sleep(60)
    for epoch in range(epochs + 1):
        for step in range(10):
            signum = should_stop()
            if signum is not None:
                listen(Noted(text="stopped at a step"))
                raise Interrupted(signum)
            listen(Progressed(stage="steps", done=step, total=10))
            seconds = float(os.environ.get("FAKE_STEP", "0.001"))
            if seconds > 60:
                listen(Noted(text="in a long step"))
            time.sleep(seconds)
        listen(
            EpochEnded(
                part=config.model,
                epoch=epoch,
                epochs=epochs,
                step=10 * epoch,
                train_loss=0.5 if epoch else None,
                val_loss=0.4,
                best=epoch < 2,
                lr=1e-3,
                grad_norm=0.1,
                seconds=0.1 * epoch,
            )
        )
    _misbehave()
    return train_report(run=str(run))


def tune(run, config, fixed, listen, *, force=False, lock_wait=0.0, sources=None, should_stop=lambda: None):
    calls.append(
        {
            "run": run,
            "config": config,
            "fixed": fixed,
            "lock_wait": lock_wait,
            "force": force,
            "sources": sources,
        }
    )
    listen(Progressed(stage="trials", done=0, total=3, unit="trials"))
    _misbehave()
    return tune_report(run=str(run))


def evaluate(run, config, listen, *, force=False, lock_wait=0.0, sources=None, should_stop=lambda: None):
    """Every condition with 'mase' in it comes true."""
    calls.append({"run": run, "config": config, "lock_wait": lock_wait, "force": force, "sources": sources})
    gates = [
        {"condition": text, "value": 0.9, "limit": 1.0, "failed": "mase" in text, "reason": "mase is 0.9"}
        for text in config.fail_if
    ]
    report = evaluate_report(run=str(run), split=config.split, gates=gates)
    _misbehave()
    if any(gate["failed"] for gate in gates):
        error = GateFailed("not good enough: mase is 0.9", hint="the scores are kept")
        error.report = report
        raise error
    return report


def quantize(run, config, listen, *, force=False, lock_wait=0.0, sources=None):
    calls.append({"run": run, "config": config, "lock_wait": lock_wait, "force": force, "sources": sources})
    _misbehave()
    return quantize_report(run=str(run), to=config.to, max_loss=config.max_loss)


def predict(run, new, config, listen, *, stdin=None, stdout=None):
    """With FAKE_ROWS=N: so many rows."""
    calls.append({"run": run, "new": new, "config": config})
    listen(Warned(finding=Finding(rule="M102", text="the model is older than the data")))
    _misbehave()
    rows = "date,OT\n" + "2018-06-26 20:00:00,31.5\n" * int(os.environ.get("FAKE_ROWS", "24"))
    if config.output == "-":
        stdout.write(rows.encode())
    else:
        Path(config.output).write_text(rows)
    return predict_report(run=str(run), output=config.output)


def export(run, config, listen):
    calls.append({"run": run, "config": config})
    _misbehave()
    return export_report(run=str(run), to=config.to)


def verify(run, listen):
    calls.append({"run": run})
    _misbehave()
    return verify_report(run=str(run))


def config(run):
    from lstm_cli.steps.show_config import ConfigReport

    calls.append({"run": run})
    _misbehave()
    steps = {"quantize": {"to": {"value": "fp16", "source": "flag"}}}
    return ConfigReport(run=str(run), data=None, steps=steps)


def _misbehave() -> None:
    """FAKE_RAISE=EXPRESSION raises what the expression makes; FAKE_SLEEP=SECONDS sleeps."""
    time.sleep(float(os.environ.get("FAKE_SLEEP", "0")))
    expression = os.environ.get("FAKE_RAISE")
    if expression:
        import lstm_cli.errors

        raise eval(expression, vars(lstm_cli.errors) | {"Path": Path})


def arguments(verb: str) -> Sequence[str]:
    """The least that a verb asks for."""
    of_data = {"check": ("check", "data.csv"), "prepare": ("prepare", "data.csv", "run")}
    return of_data.get(verb, (verb, "run"))
