"""`lstm evaluate RUN`."""

from contextlib import nullcontext
from typing import Annotated, Any

import typer

from lstm_cli.cli import option_values
from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    ForceOption,
    JsonOption,
    LockWaitOption,
    RunArgument,
    ThreadsOption,
    option,
    switch,
)
from lstm_cli.cli.render.dry_run import show_plan
from lstm_cli.cli.settings import sources_of
from lstm_cli.config.evaluate import SCORED_SPLITS, EvaluateConfig
from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.errors import GateFailed

EXAMPLES = (
    "lstm evaluate runs/load",
    "lstm evaluate runs/load -o runs/scores",
    "lstm evaluate runs/load --split val --fail-if 'mae>2*naive.mae' --json",
    "lstm evaluate runs/load --backtest 4 --reuse",
)
DEFAULTS = EvaluateConfig()
SCORES, BACKTEST = "Scores", "Backtest"  # panels


def evaluate(
    context: typer.Context,
    run: RunArgument,
    split: Annotated[
        str, option("--split", "The rows that are scored.", choices=SCORED_SPLITS, panel=SCORES)
    ] = DEFAULTS.split,
    precision: Annotated[
        str,
        option(
            "--precision",
            "The model that is scored; auto: the one that predict runs.",
            choices=("auto", *PRECISIONS),
            panel=SCORES,
        ),
    ] = DEFAULTS.precision,
    fail_if: Annotated[
        list[str] | None,
        option(
            "--fail-if",
            "Exit with 5 where this holds: 'mase>=1', 'mae>naive.mae', 'coverage.80<75'; repeat for several.",
            "'A OP B'",
            panel=SCORES,
        ),
    ] = None,
    backtest: Annotated[
        int | None,
        option(
            "--backtest",
            "Also train anew at so many cut-offs and score what follows each: was it luck?",
            "K",
            parse=option_values.whole,
            default="none",
            panel=BACKTEST,
        ),
    ] = DEFAULTS.backtest,
    reuse: Annotated[
        bool, switch("--reuse", "The backtest scores the model there is, trained once.", panel=BACKTEST)
    ] = DEFAULTS.reuse,
    jobs: Annotated[
        int,
        option(
            "--jobs", "Cut-offs of the backtest side by side.", "N", parse=option_values.whole, panel=BACKTEST
        ),
    ] = DEFAULTS.jobs,
    threads: ThreadsOption = DEFAULTS.threads,
    output: Annotated[
        str | None,
        option(
            "-o --output",
            "Also copy scores.json, the tables and the picture into this folder, at every run.",
            "DIR",
            default="into RUN only",
        ),
    ] = DEFAULTS.output,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Score a trained model beside the simple forecasts.

    Every window is scored, in the file's own units and scaled. Where a condition of --fail-if holds, the
    report is printed and kept, and the exit code is 5.
    """
    settings = EvaluateConfig(
        split=split,
        precision=precision,
        fail_if=tuple(fail_if or ()),
        backtest=backtest,
        reuse=reuse,
        jobs=jobs,
        threads=threads,
        output=output,
    )

    def work() -> None:
        from lstm_cli.cli import signals
        from lstm_cli.cli.progress.reporters import listening
        from lstm_cli.cli.render import evaluate as evaluation
        from lstm_cli.cli.render import result
        from lstm_cli.steps.evaluate import evaluate as step

        try:
            # A backtest is asked to stop between two steps of a training; scores alone are simply dropped.
            heeding: Any = signals.deferred() if backtest else nullcontext(lambda: None)
            with listening() as listen, heeding as should_stop:
                report = step(
                    run,
                    settings,
                    listen,
                    force=force,
                    lock_wait=lock_wait,
                    sources=sources_of(context, settings),
                    should_stop=should_stop,
                )
        except GateFailed as failed:
            if failed.report is not None:
                result.show("evaluate", failed.report, evaluation.evaluate_table, as_json=as_json)
            raise
        result.show("evaluate", report, evaluation.evaluate_table, as_json=as_json, stages=listen.stages)

    if dry_run:
        return show_plan(lambda planning: planning.plan_evaluate(run, settings, force=force), as_json=as_json)
    return work
