"""`lstm config RUN`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, JsonOption, RunArgument, switch
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.stdio import require_stdout
from lstm_cli.config.option_values import value_text
from lstm_cli.errors import UsageError

if TYPE_CHECKING:
    from lstm_cli.cli.render.page import Page
    from lstm_cli.steps.show_config import ConfigReport

EXAMPLES = (
    "lstm config runs/load",
    "lstm config runs/load --toml > runs/load.toml",
)


def config(
    run: RunArgument,
    toml: Annotated[
        bool, switch("--toml", "Settings as a TOML file for --config, to reproduce the run.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Show the settings of a run and their sources.

    The source of a setting is a flag, an argument in Python, the environment, a file, tune, or the default. For
    automatic settings, the value that the step chose is shown too.
    """
    if toml and as_json:
        raise UsageError("--toml and --json cannot be combined", hint="choose one of them", flag="--toml")

    if toml and not dry_run:
        require_stdout("redirect standard output: > lstm.toml")

    def work() -> None:
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.summary import print_summary
        from lstm_cli.cli.stdio import name_stdout_errors
        from lstm_cli.steps.show_config import config as step

        report = step(run)
        if toml:
            with name_stdout_errors():
                sys.stdout.write(report.to_toml())
            print_summary("config", report)
        else:
            result.print_result("config", report, config_table, as_json=as_json, stored=True)

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_read_only(run, "config", all_files=False), as_json=as_json
        )
    return work


def config_table(report: "ConfigReport", page: "Page") -> None:
    """Print one table of settings for each step."""
    for index, (step, settings) in enumerate(report.steps.items()):
        if index:
            page.blank()
        source = f" from {report.data}" if step == "prepare" and report.data is not None else ""
        page.line(f"{step}{source}", "bold")
        page.table(
            ("setting", "value", "source"),
            [
                (name, _text(setting["value"], setting.get("settled")), setting["source"])
                for name, setting in settings.items()
            ],
            text_columns=(0, 1, 2),
        )


def _text(value: Any, chosen: Any) -> str:
    return value_text(value) if chosen is None else f"{value_text(value)}: {value_text(chosen)}"
