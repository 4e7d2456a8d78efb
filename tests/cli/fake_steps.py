"""Fake steps that only send events and reports, for tests of the command line in this and in other processes.

A process imports only the steps that it runs, because tests start many processes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields
from functools import partial
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from lstm_cli.errors import GateFailed, Interrupted
from lstm_cli.events import EpochEnded, Note, Progressed, TrainingStarted, WarningRaised
from lstm_cli.findings import Finding

VERBS = (
    *("check", "prepare", "train", "tune", "evaluate", "quantize", "predict", "serve", "score", "export"),
    *("report", "refresh", "runs", "verify", "history", "config"),
)
ELSEWHERE = {"config": "lstm_cli.steps.show_config", "serve": "lstm_cli.serving.serve"}
MODULES = {verb: ELSEWHERE.get(verb, f"lstm_cli.steps.{verb}") for verb in VERBS}
calls: list[dict[str, Any]] = []  # arguments of each step


def install() -> None:
    """Replace the steps named in the command line by the fakes, in this process."""
    for verb in set(VERBS) & set(sys.argv):
        setattr(import_module(MODULES[verb]), verb, globals()[verb])
    if os.environ.get("FAKE_PATIENT"):  # a busy machine may take seconds to the next step
        from lstm_cli.cli import signals

        signals.defer_signals.__wrapped__.__kwdefaults__.update(grace=3600.0, limit=3600.0)


def command(*argv: str) -> list[str]:
    """Return the command of a new process that runs `lstm` with the fakes."""
    program = "import fake_steps; fake_steps.install(); from lstm_cli.cli.main import main; main()"
    return [sys.executable, "-c", program, *argv]


def environment(**extra: str) -> dict[str, str]:
    """Return the environment for `command`: the current one without settings of lstm, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LSTM_")}
    paths = (str(Path(__file__).parent), kept.get("PYTHONPATH"))
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)} | extra


def arguments(verb: str) -> Sequence[str]:
    """Return the shortest valid command line of a verb."""
    of_data = {
        "check": ("check", "data.csv"),
        "prepare": ("prepare", "data.csv", "run"),
        "refresh": ("refresh", "run", "data.csv"),
    }
    return of_data.get(verb, (verb, "run"))


# Reports

USUAL: dict[str, Any] = {  # field name: value
    "run": "runs/load",
    "model": "segment",
    "rows": 17420,
    "seasons": (24, 168),
    "baseline_season": 168,
    "lookback": 336,
    "reads_rows": 1008,
    "horizon": 24,
    "windows": {"train": 11835, "val": 1719, "test": 3461},
    "split_rows": {"train": 12194, "val": 1742, "test": 3484},
}


def filled(kind: type[Any], **given: Any) -> Any:
    """Return a dataclass whose fields have the given value, the usual value, or a value by type.

    A text is the name of its field; what may be None is, and a collection is empty.
    """
    values = dict(given)
    for field in fields(kind):
        if field.name not in given and field.default is MISSING:
            values[field.name] = USUAL.get(field.name, _by_type(field.name, field.type))
    return kind(**values)


def _by_type(name: str, kind: Any) -> Any:
    if NoneType in get_args(kind):
        return None
    figures: dict[Any, Any] = {str: name, int: 1, float: 0.1}
    return figures[kind] if kind in figures else (get_origin(kind) or kind)()


def filled_report(place: str, **given: Any) -> Any:
    """Return a report of a class, by its path in `lstm_cli.steps`, or in the whole package."""
    module, name = place.rsplit(".", 1)
    package = "" if module.startswith("lstm_cli.") else "lstm_cli.steps."
    return filled(getattr(import_module(f"{package}{module}"), name), **given)


def scores(factor: float) -> dict[str, float | None]:
    figures = {"mae": 0.5, "rmse": 0.7, "smape": 12.3, "mase": 0.9, "mse_scaled": 0.05, "mae_scaled": 0.17}
    return {name: figure * factor for name, figure in figures.items()}


def comparison_keys(result: dict[str, tuple[float, float, float]]) -> dict[str, Any]:
    """Return the comparison keys of a report: difference in percent and interval, lowest error first."""
    each = {name: {"difference": item, "interval": [low, high]} for name, (item, low, high) in result.items()}
    best = next(iter(each), None)
    return {"comparison": best and {"baseline": best, **each[best]}, "comparisons": each}


COLUMN = {
    "name": "OT",
    "reads_as": "number",
    "part": "target",
    "missing": 3,
    "least": -4.08,
    "greatest": 46.007,
}
HOLE = {"line": 120, "series": None, "from": "2016-07-05 23:00", "to": "2016-07-06 03:00", "rows": 5}
OUTLIER = "load.csv, line 9, column 'OT': 99 is far from the values before and after"
check_report = partial(
    filled_report,
    "check.report.CheckReport",
    columns=[COLUMN | {"name": "date", "reads_as": "time", "part": "time", "least": None}, COLUMN],
    time={"column": "date", "start": "2016-07-01", "end": "2018-06-26 19:00"},
    holes={"count": 6, "longest": HOLE, "places": [HOLE, HOLE | {"line": 400, "rows": 1}]},
    doubles={"count": 1, "lines": [77]},
    daylight_saving={"skipped": 0, "skipped_after": [], "told_twice": 1, "told_twice_lines": [77]},
    outliers=[{"column": "OT", "count": 2, "lines": [9, 4000], "values": [99.0, -99.0]}],
    strength=[{"column": "OT", "season": 24, "season_strength": 0.29, "trend_strength": 0.98}],
    expected={"memory_mb": 900, "seconds": (26, 110)},
    findings=[{"rule": "D705", "kind": "outliers", "severity": "warning", "text": OUTLIER}],
)
prepare_report = partial(filled_report, "prepare.report.PrepareReport", time_end="2018-06-26T19:00:00")
TRAINING = {"name": "anchored", "lr": 1e-3, "best_epoch": 7, "epochs_run": 11, "steps": 2013}
TRAINING |= {"epochs": 18, "patience": 4, "batch_size": 64}
train_report = partial(
    filled_report,
    "train.fit_and_commit.TrainReport",
    parameters=139166,
    refitted=True,
    parts={"linear": scores(1.03), "anchored": scores(1.02)},
    trainings=[TRAINING | {"stopped": "patience"}],
    weights={"linear": [0.25, 0.3, 0.35, 0.4], "anchored": [0.75, 0.7, 0.65, 0.6]},
    choices={"logs": "off (set by --log-transform)", "refit": "on training and validation rows"},
    val={"mae_scaled": 0.31, "mase": 0.88},
    val_baselines={"naive": {"mase": 1.5}, "seasonal_naive": {"mase": 1.02}, "linear": {"mase": 0.9}},
    **comparison_keys(
        {"linear": (2.2, 0.9, 3.5), "seasonal_naive": (13.7, 10.2, 17.2), "naive": (41.3, 37, 45)}
    ),
    chosen_on={"windows": 178, "time_start": "2024-02-28T20:00:00", "time_end": "2024-03-08T04:00:00"},
    linear={"regressions": 57, "families": {"ridge": 0.9, "smoothing": 0.1}},
)
TRIAL = ("number", "state", "score", "settings", "seconds", "reason")
TRIALS = (
    (0, "done", 0.9, {"hidden": [200], "loss": "mae"}, 4.0, None),
    (1, "failed", None, {"hidden": [99], "loss": "mae"}, 0.1, "training diverged at epoch 1"),
    (2, "done", 0.81, {"hidden": [48], "loss": "huber"}, 5.0, None),
)
UNKNOWN = {"share": None, "rank_correlation": None}
tune_report = partial(
    filled_report,
    "tune.record.TuneReport",
    method="random",
    space={"hidden": "32..256:log", "loss": "mae|huber"},
    wanted=3,
    states={"done": 2, "failed": 1},
    metric="mase",
    best={"number": 2, "score": 0.81, "settings": {"hidden": [48], "loss": "huber"}},
    importance={"hidden": {"share": 0.62, "rank_correlation": -0.5}, "loss": UNKNOWN},
    trials=[dict(zip(TRIAL, trial, strict=True)) for trial in TRIALS],
    finished=True,
    val={"mae_scaled": 0.31, "mase": 0.81},
    val_baselines={"linear": {"mase": 0.9}},
    **comparison_keys({"linear": (10.0, 4.0, 16.0)}),
    chosen_on={"windows": 3, "time_start": None, "time_end": None},
)
find_lr_report = partial(
    filled_report,
    "train.find_lr.FindLrReport",
    suggestion=3e-3,
    parts=[{"part": "free", "suggestion": 3e-3, "fall": 0.2, "lowest_at": 3e-2}],
    picture="rates.png",
)
evaluate_report = partial(
    filled_report,
    "evaluate.report.EvaluateReport",
    split="test",
    windows=3461,
    metrics=scores(1),
    parts={"linear": scores(1.001), "anchored": scores(1.02)},
    baselines={
        "naive": scores(1.9) | {"wql": 0.21},
        "seasonal_naive": scores(1.25) | {"wql": 0.15},
        "linear": scores(1.001) | {"wql": 0.13},
    },
    **comparison_keys({"linear": (0.1, -1.0, 1.2), "seasonal_naive": (20.0, 15.5, 24.5)}),
    per_step=[{"step": step, **scores(step / 24)} for step in range(1, 25)],
    per_target={"OT": scores(1)},
    coverage={"80": 81.2, "95": 95.4},
    width={"80": 1.7, "95": 3.1},
    width_scaled={"80": 0.6, "95": 1.1},
    wql=0.123,
    wis=0.4,
    wis_scaled=0.2,
)
quantize_report = partial(
    filled_report,
    "quantize.windows.QuantizeReport",
    size={"fp32": 280000, "quantized": 70000},
    latency_ms={"fp32": 1.2, "quantized": 0.7},
    mae_scaled={"fp32": 0.3123, "quantized": 0.3125},
    wql={"fp32": 0.0312, "quantized": 0.0313},
    coverage={"fp32": {"80": 81.2, "95": 95.4}, "quantized": {"80": 81.1, "95": None}},
    to="int8",
    loss=0.0006,
    max_loss=0.01,
)
START, END = "2018-06-26 20:00:00", "2018-06-27 19:00:00"
predict_report = partial(
    filled_report, "predict.PredictReport", precision="int8", rows=24, time_start=START, time_end=END
)
score_report = partial(
    filled_report,
    "score.report.ScoreReport",
    model={"folder": "0003", "digest": "ab" * 32, "precision": "int8", "quantized": None, "current": True},
    forecasts={"recorded": 31, "scored": 30, "waiting": 1, "left_out": 0},
    values=720,
    new_values=24,
    time_start="2018-05-27 20:00:00",
    time_end="2018-06-26 19:00:00",
    metrics=scores(1) | {"bias": 0.1, "bias_scaled": 0.01},
    coverage={"80": 81.2, "95": 95.4},
    width={"80": 1.7, "95": 3.1},
    width_scaled={"80": 0.6, "95": 1.1},
    wql=0.123,
    baselines={"seasonal_naive": scores(1.25) | {"bias": 0.2, "bias_scaled": 0.02}},
    per_step=[
        {
            "step": step,
            "metrics": scores(step / 24) | {"bias": -0.1},
            "baselines": {"seasonal_naive": scores(1)},
        }
        for step in range(1, 25)
    ],
    per_day=[
        {
            "day": f"2018-06-{day}",
            "model": "0003",
            "metrics": scores(1) | {"bias": -0.1},
            "baselines": {"seasonal_naive": scores(1.2)},
        }
        for day in range(10, 27)
    ],
    trained={
        "from": "evaluate",
        "split": "test",
        **scores(0.9),
        "wql": 0.1,
        "coverage": {"80": 80.0, "95": 95.0},
    },
    test={
        "nights": 30,
        "without_promise": 0,
        "limit": 2.7,
        "statistic": 0.9,
        "alarm": False,
        "alarms_of_model": 0,
        "alarms": [],
        "per_night": [],
    },
    drift=None,
)
HELD_OUT = {"champion": scores(1), "challenger": scores(0.9), "baselines": {"seasonal_naive": scores(1.2)}}
HELD_OUT |= {"difference": 10.0, "interval": [4.0, 16.0], "windows": 61, "margin": 0.01}
refresh_report = partial(
    filled_report,
    "refresh.report.RefreshReport",
    source="load.csv",
    verdict="replaced",
    text="model 4 replaces the champion: MASE 0.9 of the challenger, 1 of the champion, 10 % lower (4 to 16 %)",
    version=4,
    rows={
        "added": 24,
        "overlap": 48,
        "changed": 0,
        "filled": 2,
        "older": 0,
        "total": 17444,
        "unlearnt": 168,
        "since_last": 168,
    },
    time_end="2018-06-27T19:00:00",
    ledger={
        "forecasts": 30,
        "new_values": 24,
        "model": "0003",
        "metrics": scores(1),
        "baseline": scores(1.2),
        "test": "no alarm",
    },
    comparison=HELD_OUT | {"since": "2018-06-24T08:00:00"},
    forecast={"rows": 24, "recorded": "runs/load/ledger/1.forecast"},
)
export_report = partial(
    filled_report,
    "export.ExportReport",
    output="runs/load/exports/model.onnx",
    size=1336600,
    shapes={"past": ["batch", 336, 7], "forecast": ["batch", 24, 1]},
)
page_report = partial(
    filled_report,
    "report.PageReport",
    output="load-report.html",
    format="html",
    size=254000,
    verdict="By MASE, the model beats naive by 20 % (90 % interval 15 to 25 %).",
    split="test",
    windows=3461,
)
data_facts = partial(
    filled_report, "runs.facts.DataFacts", source="load.csv", rows=17420, targets=("OT",), freq="h"
)
model_facts = partial(
    filled_report, "runs.facts.ModelFacts", model="segment", parameters=139166, serves="int8"
)
score_facts = partial(
    filled_report,
    "runs.facts.ScoreFacts",
    split="test",
    windows=3461,
    precision="fp32",
    metrics=scores(1),
    baselines={"naive": scores(1.9), "seasonal_naive": scores(1.25), "linear": scores(1.001)},
    comparisons=comparison_keys({"linear": (0.1, -1.0, 1.2), "seasonal_naive": (20.0, 15.5, 24.5)})[
        "comparisons"
    ],
    coverage={"80": 81.2, "95": 95.4},
)
run_summary = partial(
    filled_report, "runs.summary.RunSummary", name="load", state="up to date", next="lstm predict runs/load"
)


def runs_report(**given: Any) -> Any:
    """Return the report of one run, or with `names` of a list of runs."""
    names = given.pop("names", ("load",))
    facts = {"data": data_facts(series=1), "model": model_facts(), "scores": score_facts()}
    summaries = tuple(run_summary(name=name, **facts) for name in names)
    return filled_report(
        "runs.overview.RunsReport", runs=summaries, single=len(names) == 1, skipped=(), **given
    )


ARTIFACT = {"folder": "data/0001", "files": 6, "size": 71234, "state": "ok", "findings": ()}
verify_report = partial(filled_report, "verify.VerifyReport", artifacts=(ARTIFACT,))
VERSION = {
    "current": False,
    "kept": True,
    "val": {"mase": 0.88},
    "scores": None,
    "since": None,
    "made_by": "train",
}
VERSION |= {"made": "2026-11-28T02:00:17Z", "data": {"time_end": "2026-11-27T23:00:00"}}
SERVED = {"since": "2026-11-28T02:00:17Z", "until": "2026-11-29T02:00:19Z", "by": "train"}
NOW = {"since": "2026-11-29T02:00:19Z", "until": None, "by": "train"}
serve_report = partial(
    filled_report,
    "lstm_cli.serving.report.ServeReport",
    statuses={"200": 5, "503": 1},
    reloads={"reloaded": 1, "unchanged": 0, "failed": 0},
    requests=6,
)
history_report = partial(
    filled_report,
    "history.HistoryReport",
    current=2,
    versions=(
        VERSION | {"version": 1, "served": [SERVED], "scores": {"mase": 0.91, "wql": 0.123}},
        VERSION | {"version": 2, "served": [NOW], "current": True},
    ),
)
STEPS = {"quantize": {"to": {"value": "fp16", "source": "flag"}}}
config_report = partial(filled_report, "show_config.ConfigReport", steps=STEPS)

# Steps


def check(source, config, listen, *, plot=None, terminal=None, stdin=None, columns=None):
    _called(source=source, config=config, plot=plot)
    if plot == "-":
        terminal.drawn.append("drawing\n")
    return check_report(source=source, picture=plot)


def prepare(source, run, config, listen, **how):
    listen(
        WarningRaised(
            finding=Finding(rule="D602", text="3 cells are filled, first in line 7; --missing decides")
        )
    )
    _called(source=source, run=run, config=config, **how)
    return prepare_report(run=str(run), source=source)


def train(run, config, listen, *, should_stop: Callable[[], int | None], **how):
    """Run FAKE_EPOCHS epochs of 0.1 s until should_stop returns a signal; with FAKE_DEAF=1 never stop."""
    calls.append({"run": run, "config": config, **how})
    listen(Note(text="training on cpu (2 threads)"))
    epochs = int(os.environ.get("FAKE_EPOCHS", "2"))
    listen(filled(TrainingStarted, model=config.model, parameters=139166, windows=11667, epochs=epochs))
    while os.environ.get("FAKE_DEAF"):
        with suppress(Interrupted):
            time.sleep(60)
    for epoch in range(epochs + 1):
        for step in range(10):
            signum = should_stop()
            if signum is not None:
                listen(Note(text="stopped at a step"))
                raise Interrupted(signum)
            listen(Progressed(stage="steps", done=step, total=10))
            seconds = float(os.environ.get("FAKE_STEP", "0.001"))
            if seconds > 60:
                listen(Note(text="in a long step"))
            time.sleep(seconds)
        losses = {"train_loss": 0.5 if epoch else None, "val_loss": 0.4}
        listen(filled(EpochEnded, part=config.model, epoch=epoch, epochs=epochs, best=epoch < 2, **losses))
    _misbehave()
    return train_report(run=str(run))


def tune(run, config, fixed, listen, **how):
    listen(Progressed(stage="trials", done=0, total=3, unit="trials"))
    _called(run=run, config=config, fixed=fixed, **how)
    return tune_report(run=str(run))


def evaluate(run, config, listen, *, terminal=None, **how):
    """Fail each condition that contains 'mase'."""
    _called(run=run, config=config, **how)
    gates = [
        {"condition": text, "failed": "mase" in text, "reason": "mase is 0.9"} for text in config.fail_if
    ]
    if config.plot == "-":
        terminal.drawn.append("drawing\n")
    report = evaluate_report(run=str(run), split=config.split, gates=gates)
    if any(gate["failed"] for gate in gates):
        error = GateFailed("not good enough: mase is 0.9", hint="the scores are kept")
        error.report = report
        raise error
    return report


def quantize(run, config, listen, **how):
    _called(run=run, config=config, **how)
    return quantize_report(run=str(run), to=config.to, max_loss=config.max_loss)


def predict(run, new, config, listen, *, stdin=None, stdout=None, terminal=None, sampling=None):
    """Write FAKE_ROWS rows."""
    listen(WarningRaised(finding=Finding(rule="M102", text="the model is older than the data")))
    _called(run=run, new=new, config=config, sampling=sampling)
    rows = "date,OT\n" + "2018-06-26 20:00:00,31.5\n" * int(os.environ.get("FAKE_ROWS", "24"))
    if config.output == "-":
        stdout.write(rows.encode())
    else:
        Path(config.output).write_text(rows)
    if config.plot == "-":
        terminal.drawn.append("drawing\n")
    return predict_report(run=str(run), output=config.output)


def serve(run, config, print_line, *, print_log):
    print_line("serving", f"serving {run}", {"run": str(run)})
    _called(run=run, config=config, with_log=print_log is not None)
    return serve_report(run=str(run))


def score(run, source, config, listen, *, lock_wait=0.0, stdin=None):
    """Fail each condition that contains 'mase'."""
    _called(run=run, source=source, config=config, lock_wait=lock_wait)
    gates = [
        {"condition": text, "failed": "mase" in text, "reason": "mase is 0.9"} for text in config.fail_if
    ]
    report = score_report(run=str(run), source=source or str(run), gates=gates)
    if any(gate["failed"] for gate in gates):
        error = GateFailed("not good enough: mase is 0.9", hint="train on newer rows")
        error.report = report
        raise error
    return report


def refresh(run, source, config, listen, *, keep, lock_wait=0.0, stdin=None, stdout=None, should_stop=None):
    _called(run=run, source=source, config=config, keep=keep, lock_wait=lock_wait)
    if config.output == "-":
        stdout.write(b"date,load\n2018-06-27 20:00:00,7\n")
    return refresh_report(run=str(run), output=config.output)


def export(run, config, listen):
    _called(run=run, config=config)
    return export_report(run=str(run), to=config.to)


def report(run, config, listen, *, stdout=None):
    _called(run=run, config=config)
    output = config.output_for(str(run))
    if output == "-":
        stdout.write(b"### Forecast\n")
    return page_report(run=str(run), output=output, format=config.chosen_format)


def runs(run, config, *, lock_wait):
    _called(run=run, config=config, lock_wait=lock_wait)
    return runs_report(run=str(run))


def verify(run, listen):
    _called(run=run)
    return verify_report(run=str(run))


def history(run):
    _called(run=run)
    return history_report(run=str(run))


def config(run):
    _called(run=run)
    return config_report(run=str(run))


def _called(**given: Any) -> None:
    calls.append(given)
    _misbehave()


def _misbehave() -> None:
    """Sleep FAKE_SLEEP seconds, then raise the error that the expression FAKE_RAISE returns."""
    time.sleep(float(os.environ.get("FAKE_SLEEP", "0")))
    expression = os.environ.get("FAKE_RAISE")
    if expression:
        import lstm_cli.errors

        raise eval(expression, vars(lstm_cli.errors) | {"Path": Path})
