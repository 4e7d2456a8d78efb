"""`lstm quantize RUN`."""

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
from lstm_cli.config.quantize import QuantizeConfig

EXAMPLES = (
    "lstm quantize runs/load",
    "lstm quantize runs/load --to fp16 --max-loss 0.5%",
)


@with_options_of(QuantizeConfig, into="settings")
def quantize(
    context: typer.Context,
    run: RunArgument,
    *,
    settings: QuantizeConfig,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Make a smaller model and compare it with the trained one.

    The report shows size, latency, error and quantile scores of both. If the error grows by more than --max-loss, the
    exit code is 5 and the run does not change.
    """

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.classify import draw_task
        from lstm_cli.cli.render.quantize import (
            quantize_table,
            quantized_classifier_table,
            quantized_text_table,
        )
        from lstm_cli.steps.quantize import quantize as step

        with progress_reporter() as listen:
            report = step(
                run,
                settings,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=setting_sources(context, settings),
            )
        of_tasks = {"classify": quantized_classifier_table, "generate": quantized_text_table}
        draw = draw_task(quantize_table, of_tasks)
        result.print_result("quantize", report, draw, as_json=as_json, stages=listen.stages)

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_quantize(run, settings, force=force), as_json=as_json
        )
    return work
