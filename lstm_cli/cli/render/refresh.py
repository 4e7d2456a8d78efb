"""Report of `refresh` as a table."""

from typing import Any

from lstm_cli.cli.render.evaluate import print_gates
from lstm_cli.cli.render.page import Page
from lstm_cli.evaluation.score_text import format_number
from lstm_cli.wording import count_noun

LEDGER_TESTS = {
    "none": "no test for lost accuracy",
    "alarm": "ALARM: the accuracy is lost",
    "no alarm": "no alarm",
}


def refresh_table(report: Any, page: Page) -> None:
    """Print the verdict, the rows, what came true, and the scores of both models on the held-out rows."""
    page.line(report.text, "bold" if report.verdict == "replaced" else "")
    rows = report.rows
    parts = [f"{count_noun(rows['added'], 'new row')} until {report.time_end or rows['total']}"]
    if rows["overlap"]:
        parts.append(f"{rows['overlap']:,} known ones, {count_noun(rows['changed'], 'changed value')}")
    if rows["filled"]:
        parts.append(f"{count_noun(rows['filled'], 'value')} for gaps of the run")
    if rows["older"]:
        parts.append(f"{rows['older']:,} before the first row of the run left out")
    page.line(f"{report.source}: {'; '.join(parts)}")
    if report.ledger is not None:
        known = report.ledger
        page.line(
            f"ledger: {count_noun(known['forecasts'], 'forecast')} came true, model {known['model']} has MASE "
            f"{format_number(known['metrics'].get('mase'))}, the baseline "
            f"{format_number(known['baseline'].get('mase'))}; {LEDGER_TESTS[known['test']]}"
        )
    compared = report.comparison
    if compared is not None:
        page.blank()
        page.line(f"{count_noun(compared['windows'], 'held-out window')} from {compared['since']}")
        models = {
            "challenger": compared["challenger"],
            "champion": compared["champion"],
            **compared["baselines"],
        }
        page.table(
            ("forecast", "MASE", "MAE", "RMSE"),
            [
                (name.replace("_", " "), *(format_number(each.get(key)) for key in ("mase", "mae", "rmse")))
                for name, each in models.items()
            ],
        )
    print_gates(page, report.gates)
