"""First part of a night: the new rows become data of the run, and a challenger is compared with the model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PrepareConfig, RefreshConfig
from lstm_cli.config.extras import TRAINING, require_installed
from lstm_cli.data.build.merge_rows import MergedRows
from lstm_cli.data.dataset.dataset import Dataset, Schema
from lstm_cli.data.times.formats import iso_time
from lstm_cli.errors import ArtifactError, DataError, Interrupted, LstmError, StaleArtifact
from lstm_cli.events import Listener, Note
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_model import TrainedModel, load_model
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.monitoring.actuals import Actuals
from lstm_cli.monitoring.lost_accuracy import AccuracyTest
from lstm_cli.rundir import Run, Writer, command
from lstm_cli.rundir.ledger import forecast_names
from lstm_cli.steps.predict.data import source_name
from lstm_cli.steps.refresh.challenger import budget_text, challenger_start, train_settings
from lstm_cli.steps.refresh.compare import Comparison, HeldOut, compare, require_windows
from lstm_cli.steps.refresh.decide import Decision, decide, find_loss, held_out_rows, last_training
from lstm_cli.steps.refresh.rows import (
    commit_rows,
    count_unlearnt,
    is_stored,
    learnt_rows,
    newest_time,
    prepare_settings,
    read_and_merge,
    validation_rows,
)
from lstm_cli.steps.score.ledger import join_ledger
from lstm_cli.steps.score.lost_accuracy import accuracy_test, find_reasons, warn_about_test
from lstm_cli.tasks.settle import require_verb

Stop = Callable[[], int | None]
Warn = Callable[[Finding], None]


@dataclass(frozen=True, kw_only=True)
class Night:
    """Result of the first part of a night."""

    decision: Decision
    rows: dict[str, int]
    newest_us: int
    time_end: str | None
    ledger: dict[str, Any] | None
    comparison: Comparison | None
    failure: str | None  # why there is no challenger after a decision to train
    since: dict[str, dict[str, Any]]  # what each model of the ledger scored, by digest
    unscored: ArtifactError | None  # why the ledger was not scored


def compare_night(
    writer: Writer,
    source: str,
    config: RefreshConfig,
    listen: Listener,
    warn: Warn,
    stdin: BinaryIO | None,
    within_budget: Stop,
    should_stop: Stop,
) -> Night:
    """Store the new rows, score the ledger, decide, and compare. The writer then continues with the step `train`.

    Args:
        writer: writer of the step `prepare`, of a run with a model.
        source: file of the new rows.
        config: settings of `refresh`.
        listen: receives notes and warnings.
        warn: receives findings.
        stdin: stream behind `-`.
        within_budget: returns a number if a signal arrived, or the budget is spent.
        should_stop: returns the signal that ends the step, or None.
    """
    opened = writer.run
    assert opened is not None
    require_verb(opened, "refresh")
    opened.require("model")
    model, settings = load_model(opened), prepare_settings(opened)
    listen(Note(text=f"reading {source_name(source)}"))
    merged = read_and_merge(source, opened, config, stdin, warn)
    counts = merged.counts
    if not counts.added:
        text = "no row is newer than those of the run (is the export up to date?)"
        warn(Finding.at(in_file(source_name(source)), "M408", text, kind=MODEL))
    val = validation_rows(opened)
    stored = merged.split(val=val, held_out=0, config=settings)
    if _differs(model, stored.schema):
        raise StaleArtifact(
            f"the data of {writer.path} have other columns than its model",
            hint=f"train again: '{command('train', writer.path)}'",
        )
    ledger, test, unscored = None, None, None
    since: dict[str, dict[str, Any]] = {}
    try:
        ledger, since, test = _score_ledger(writer.path, opened, stored, model, warn)
    except ArtifactError as error:  # the forecast comes first
        unscored = error
    learnt = learnt_rows(merged, model)
    last, trained_at = last_training(opened)
    newest_us = newest_time(merged.table, merged)
    unlearnt = count_unlearnt(merged, learnt)
    since_us = None if last is None else last.get("newest_us")
    since_last = count_unlearnt(merged, learnt, after_us=since_us)
    horizon = model.schema.horizon
    loss_us = find_loss(test, str(opened.digest("model")), since_us)
    lost = None if loss_us is None else count_unlearnt(merged, learnt, after_us=loss_us)
    decision = decide(
        config,
        unlearnt=unlearnt,
        since_last=since_last,
        needed=2 * horizon,
        horizon=horizon,
        lost=lost,
        tested=test is not None and test.limit is not None,
        trained_at=trained_at,
    )
    held_out = None
    if decision.train:
        rows = held_out_rows(unlearnt, lost, horizon)
        decision, held_out = _hold_out(decision, merged, settings, model, learnt, val, rows)
    listen(Note(text=f"{'training a challenger' if decision.train else 'no training'}: {decision.reason}"))
    if not is_stored(opened, merged, stored):
        kept = replace(settings, val=str(val), test="0")
        commit_rows(writer, source, merged, stored, kept)
    writer.switch_step("train")
    committed = writer.run
    assert committed is not None
    comparison, failure = None, None
    if held_out is not None:
        comparison, failure = _compare(committed, held_out, model, config, listen, within_budget)
        raise_if_interrupted(should_stop)
    schema = merged.schema
    return Night(
        decision=decision,
        rows={
            "added": counts.added,
            "overlap": counts.overlap,
            "changed": counts.changed,
            "filled": counts.filled,
            "older": counts.older,
            "total": int(merged.table.count.sum()),
            "unlearnt": unlearnt,
            "since_last": since_last,
        },
        newest_us=newest_us,
        time_end=None if schema.time_name is None else iso_time(newest_us, schema.time_format),
        ledger=ledger,
        since=since,
        unscored=unscored,
        comparison=comparison,
        failure=failure,
    )


def _differs(model: TrainedModel, schema: Schema) -> bool:
    theirs = model.schema
    return (theirs.targets, theirs.inputs, theirs.horizon, theirs.step) != (
        schema.targets,
        schema.inputs,
        schema.horizon,
        schema.step,
    )


def _score_ledger(
    path: Path, run: Run, dataset: Dataset, model: TrainedModel, warn: Warn
) -> tuple[dict[str, Any] | None, dict[str, dict[str, Any]], AccuracyTest | None]:
    """Return what came true, the scores by model, and the test for lost accuracy; None and {} if nothing did."""
    if not forecast_names(path):
        return None, {}, None
    joined = join_ledger(
        path,
        Actuals(dataset, model.bounds),
        current=str(run.digest("model")),
        targets=model.schema.targets,
        horizon=model.schema.horizon,
        warn=warn,
    )
    if not joined.scored:
        return None, {}, None
    test = accuracy_test(run, joined, model, false_alarms=1.0)
    if test.limit is None or test.newest_alarm is not None:
        warn_about_test(path, run, test, find_reasons(run, dataset, model, test), warn)
    newest, tally, _ = joined.newest()
    figures = tally.figures()
    ledger = {
        "forecasts": joined.scored,
        "new_values": joined.new,
        "model": newest.folder,
        "metrics": figures["metrics"],
        "baseline": figures["baseline"],
        "test": "none" if test.limit is None else "alarm" if test.is_alarmed else "no alarm",
    }
    return ledger, joined.since(model.schema), test


def _hold_out(
    decision: Decision,
    merged: MergedRows,
    settings: PrepareConfig,
    model: TrainedModel,
    learnt: np.ndarray,
    val: int,
    rows: int,
) -> tuple[Decision, HeldOut | None]:
    """Return the held-out rows, or the decision not to train, because they have too few windows."""
    try:
        dataset = merged.split(val=val, held_out=rows, config=settings)
        index = {name: number for number, name in enumerate(merged.table.names)}
        held_out = HeldOut(dataset=dataset, learnt=learnt[[index[name] for name in dataset.series.names]])
        require_windows(held_out, model)
    except ValueError as error:
        return Decision(train=False, reason=str(error)), None
    except DataError as error:
        return Decision(train=False, reason=error.message), None
    return decision, held_out


def _compare(
    run: Run,
    held_out: HeldOut,
    model: TrainedModel,
    config: RefreshConfig,
    listen: Listener,
    should_stop: Stop,
) -> tuple[Comparison | None, str | None]:
    """Return the comparison, or why there is none."""
    try:
        require_installed("lstm refresh", *TRAINING)
        train = train_settings(run, listen)
        with challenger_start(run, train, config, listen) as start:
            return compare(run, held_out, model, train, start, listen, should_stop), None
    except Interrupted:
        return None, budget_text(config)
    except LstmError as error:
        return None, error.message
