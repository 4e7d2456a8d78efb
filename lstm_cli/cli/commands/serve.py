"""`lstm serve RUN`."""

from functools import partial
from typing import TYPE_CHECKING, Any

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, JsonOption, RunArgument, with_options_of
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.config.serve import ServeConfig

if TYPE_CHECKING:
    from lstm_cli.steps.dry_run import DryRunPlan

EXAMPLES = (
    "lstm serve runs/load",
    "lstm serve runs/load --port 9000 --timeout 5s --queue 200",
    "lstm serve runs/load --host 0.0.0.0 --token-file tokens.txt",
    "lstm serve runs/load --uds /run/lstm/load.sock --log-format json",
)


@with_options_of(ServeConfig, into="settings")
def serve(
    run: RunArgument,
    *,
    settings: ServeConfig,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Serve the forecasts or the classes of a model over HTTP.

    POST /v1/forecast forecasts from the rows of its body, and GET /v1/forecast from those of the run. On a run of
    labelled sequences, POST /v1/classify classifies those of its body. A new model of the run replaces the old one
    without a restart. Only this machine can reach the server, unless --host says otherwise. Each request is a line on
    stderr, unless --quiet is set. SIGTERM and Ctrl-C stop the server.
    """

    def work() -> None:
        from lstm_cli.cli.render.result import print_result
        from lstm_cli.cli.render.serve import serve_table
        from lstm_cli.cli.stdio import is_quiet, print_line, print_lines
        from lstm_cli.serving.serve import serve as step

        def print_event(event: str, text: str, facts: dict[str, Any]) -> None:
            is_result = (
                event == "serving" and settings.port == 0
            )  # nothing else shows the port that was chosen
            print_line(event, text, facts, always_timed=True, is_result=is_result)

        print_log = None if is_quiet() else partial(print_lines, always_timed=True)
        report = step(run, settings, print_event, print_log=print_log)
        print_result("serve", report, serve_table, as_json=as_json)
        if report.signal is not None:
            raise SystemExit(128 + report.signal)

    def plan(planning: Any) -> "DryRunPlan":
        from lstm_cli.serving.messages.tokens import Tokens

        Tokens(settings.token_file)
        plan: DryRunPlan = planning.plan_serve(run, settings)
        return plan

    if dry_run:
        return print_plan(plan, as_json=as_json)
    return work
