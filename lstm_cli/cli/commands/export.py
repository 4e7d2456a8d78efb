"""`lstm export RUN`."""

from typing import TYPE_CHECKING

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, JsonOption, RunArgument, with_options_of
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.config.export import ExportConfig

if TYPE_CHECKING:
    from lstm_cli.cli.render.page import Page
    from lstm_cli.steps.export.content import ExportReport

EXAMPLES = (
    "lstm export runs/load",
    "lstm export runs/load --to pt2 -o runs/load.pt2",
    "lstm export runs/load --precision fp16",
    "lstm export runs/load --to npz",
)


@with_options_of(ExportConfig, into="settings")
def export(
    run: RunArgument,
    *,
    settings: ExportConfig,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Export the model or its windows for another program.

    A JSON file next to it lists the inputs, shapes, scaling, units, bounds, names, times and intervals. A format that
    does not support the model is refused with the reason. The run itself does not change.
    """

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.classify import draw_task
        from lstm_cli.steps.export import export as step

        with progress_reporter() as listen:
            report = step(run, settings, listen)
        of_tasks = {"classify": exported_classifier_table, "generate": exported_text_table}
        draw = draw_task(export_table, of_tasks)
        result.print_result("export", report, draw, as_json=as_json, stages=listen.stages)

    if dry_run:
        return print_plan(lambda planning: planning.plan_export(run, settings), as_json=as_json)
    return work


def export_table(report: "ExportReport", page: "Page") -> None:
    """Print the written files and their difference from the model of a forecast."""
    _print_facts(
        report,
        page,
        about="inputs, scaling, units, bounds, times, intervals",
        compared=f"(scaled) from the model's forecasts on {report.compared} validation windows",
    )


def exported_classifier_table(report: "ExportReport", page: "Page") -> None:
    """Print the written files and their difference from the classifier."""
    _print_facts(
        report,
        page,
        about="inputs, classes, columns, scaling, length",
        compared=f"from the model's probabilities on {report.compared} validation sequences",
    )


def exported_text_table(report: "ExportReport", page: "Page") -> None:
    """Print the written files of a text model."""
    _print_facts(report, page, about="inputs, outputs, vocabulary", compared="")


def _print_facts(report: "ExportReport", page: "Page", *, about: str, compared: str) -> None:
    difference = f"at most {report.difference:.1e} {compared}" if report.difference is not None else ""
    bounds = f"not in the file: {report.bounds}" if report.bounds is not None else ""
    facts = [
        ("wrote", f"{report.output} ({_size(report.size)})"),
        ("metadata", f"{report.about}: {about}"),
        ("precision", report.precision if report.precision != "fp32" else ""),
        *((name, " x ".join(str(length) for length in shape)) for name, shape in report.shapes.items()),
        ("difference", difference),
        ("bounds", bounds),
    ]
    page.facts((name, text) for name, text in facts if text)


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} KB"
