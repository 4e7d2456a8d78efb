"""`lstm history RUN`."""

from typing import Annotated

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, JsonOption, LockWaitOption, RunArgument, option
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.config import option_values
from lstm_cli.config.validators import require_one_change

EXAMPLES = (
    "lstm history runs/load",
    "lstm history runs/load --json",
)


def history(
    run: RunArgument,
    rollback: Annotated[
        int | None,
        option(
            "--rollback",
            "Version that serves from now on, with its quantized model.",
            "VERSION",
            parse=option_values.whole_number,
            default="none",
        ),
    ] = None,
    drop: Annotated[
        int | None,
        option(
            "--drop",
            "Earlier version whose files are removed.",
            "VERSION",
            parse=option_values.whole_number,
            default="none",
        ),
    ] = None,
    dry_run: DryRunOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """List the models of a run, and roll back to an earlier one.

    The table has which model served when, and its scores. A rollback verifies the files of the version, and then
    replaces the current model in one step. It can be undone in the same way.
    """
    require_one_change(rollback=rollback, drop=drop)

    def work() -> None:
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.history import history_table
        from lstm_cli.steps.history import change_or_list

        report = change_or_list(run, rollback=rollback, drop=drop, lock_wait=lock_wait)
        result.print_result("history", report, history_table, as_json=as_json, stored=True)

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_history(run, rollback=rollback, drop=drop), as_json=as_json
        )
    return work
