"""`lstm evaluate RUN`."""

from contextlib import nullcontext
from typing import Any

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    ForceOption,
    JsonOption,
    LockWaitOption,
    RunArgument,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.settings import setting_sources
from lstm_cli.config.evaluate import EvaluateConfig
from lstm_cli.errors import GateFailed

EXAMPLES = (
    "lstm evaluate runs/load",
    "lstm evaluate runs/load -o runs/scores",
    "lstm evaluate runs/load --split val --fail-if 'mae>2*naive.mae' --json",
    "lstm evaluate runs/load --forecasts runs/forecasts.csv --stride 24",
    "lstm evaluate runs/load --backtest 4 --reuse",
)


@with_options_of(EvaluateConfig, into="settings")
def evaluate(
    context: typer.Context,
    run: RunArgument,
    *,
    settings: EvaluateConfig,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Score a trained model against baselines.

    Each window of the split is scored, in the units of the file and scaled. If a condition of --fail-if is true, the
    report is still printed and stored, and the exit code is 5. --forecasts writes the forecasts themselves as a table.
    """

    def work() -> None:
        from lstm_cli.cli import signals
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import evaluate as evaluation
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.classify import classification_table, draw_task
        from lstm_cli.cli.render.drawing import make_terminal
        from lstm_cli.cli.render.text_scores import text_scores_table
        from lstm_cli.steps.evaluate import evaluate as step

        terminal = make_terminal(stdout_is_taken=as_json)
        of_tasks = {"classify": classification_table, "generate": text_scores_table}
        draw = draw_task(evaluation.evaluate_table, of_tasks)
        try:
            # A backtest stops between two training steps. Scoring without a backtest can stop anywhere.
            stopping: Any = signals.defer_signals() if settings.backtest else nullcontext(lambda: None)
            with progress_reporter() as listen, stopping as should_stop:
                report = step(
                    run,
                    settings,
                    listen,
                    force=force,
                    lock_wait=lock_wait,
                    sources=setting_sources(context, settings),
                    should_stop=should_stop,
                    terminal=terminal,
                )
        except GateFailed as failed:
            if failed.report is not None:
                result.print_result("evaluate", failed.report, draw, as_json=as_json, terminal=terminal)
            raise
        result.print_result(
            *("evaluate", report, draw),
            as_json=as_json,
            stages=listen.stages,
            terminal=terminal,
        )

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_evaluate(run, settings, force=force), as_json=as_json
        )
    return work
