"""Comment in Markdown for a pull request, as GitHub and GitLab show it.

Names from files stand in code, where nothing is markup, a link or a mention of a person.
"""

import re
from collections.abc import Sequence

from lstm_cli.evaluation.score_text import finite_or_none, format_number, format_percent
from lstm_cli.reporting.facts import Made, RunFacts
from lstm_cli.reporting.sections.making import DATA_NOTE
from lstm_cli.reporting.sections.opening import lowest_index, shown_metrics
from lstm_cli.reporting.sections.terms import score_terms
from lstm_cli.wording import count_noun

MAX_STEPS = 8  # rows of the table by step
MAX_TARGETS = 3  # names of targets in the title
MAX_WARNINGS = 5


def markdown_comment(facts: RunFacts) -> bytes:
    """Return the comment as UTF-8."""
    targets = ", ".join(map(code, facts.targets[:MAX_TARGETS]))
    more = len(facts.targets) - MAX_TARGETS
    targets += f" and {count_noun(more, 'more target')}" if more > 0 else ""
    parts = [
        f"### Forecast of {targets}, {facts.span_ahead} ahead",
        f"**{facts.verdict}**",
        f"{facts.tested} Run {code(facts.run)}, data {code(facts.source)}, {facts.model} model ({facts.precision}).",
        *(f"> {escape_text(note)}" for note in facts.notes),
        _scores(facts),
        _coverage(facts),
        warning_list(facts.warnings, facts.warnings_note),
        details("Error by step ahead", _steps(facts)),
        details("Make it again", make_again(facts.made)),
        details("Terms", "\n".join(f"- {name}: {meaning}" for name, meaning in score_terms(facts))),
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode("utf-8", "replace")


def code(text: str) -> str:
    """Return a text as code on one line.

    >>> print(code("a|b"), code("a`b"))
    `a|b` ``a`b``
    """
    line = _printable(text) or " "
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _printable(text: str) -> str:
    """Return a text on one line, with characters escaped that are not shown or change the direction of writing."""
    line = " ".join(text.split())
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def escape_text(text: str) -> str:
    """Return a sentence, which can hold names of files, without a character that Markdown reads."""
    line = re.sub(r"([\\`*_{}\[\]<>#|~!&])", r"\\\1", _printable(text))
    return line.replace("@", "@\u200b")  # no person is mentioned


def _scores(facts: RunFacts) -> str:
    shown = shown_metrics(facts)
    rows = [
        [name, *(format_number(scores.get(key)) for key in shown)] for name, scores in facts.scores.items()
    ]
    for column, key in enumerate(shown, start=1):
        best = lowest_index([finite_or_none(scores.get(key)) for scores in facts.scores.values()])
        if best >= 0:
            rows[best][column] = f"**{rows[best][column]}**"
    return markdown_table(["forecast", *shown.values()], rows)


def _coverage(facts: RunFacts) -> str:
    known = facts.known_coverage
    if not known:
        return ""
    texts = [f"the {level} % interval holds {format_percent(share)} %" for level, share in known.items()]
    return f"Of the measured values, {' and '.join(texts)}."


def warning_list(warnings: Sequence[str], note: str = "") -> str:
    """Return the first warnings as a list that opens at a click; "" without warnings.

    Args:
        warnings: sentences.
        note: sentence below the list.
    """
    lines = [f"- {escape_text(text)}" for text in warnings[:MAX_WARNINGS]]
    more = len(warnings) - MAX_WARNINGS
    lines += [f"- and {count_noun(more, 'more warning')}"] if more > 0 else []
    below = f"\n\n{note}" if note else ""
    return details(count_noun(len(warnings), "warning"), "\n".join(lines) + below) if lines else ""


def _steps(facts: RunFacts) -> str:
    """Return the mean absolute error of at most `MAX_STEPS` evenly spaced steps, including the first and the last."""
    steps = facts.by_step
    unit = code(facts.unit) if facts.unit in facts.targets else facts.unit
    count = len(steps.labels)
    chosen = sorted({round(index * (count - 1) / max(1, MAX_STEPS - 1)) for index in range(MAX_STEPS)})
    rows = [
        [steps.labels[step], format_number(steps.model[step]), format_number(steps.baseline[step])]
        for step in chosen
    ]
    return (
        f"Mean absolute error, in {unit}.\n\n{markdown_table(['step ahead', 'model', facts.baseline], rows)}"
    )


def make_again(made: Made) -> str:
    """Return the commands that make the run again."""
    block = _fenced("\n".join(made.commands))
    return block if made.data_is_named else f"{block}\n\n{DATA_NOTE}"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table whose columns after the first hold numbers."""
    ruler = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *rows))


def details(title: str, content: str) -> str:
    """Return content that is shown when its title is clicked."""
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{text}\n{fence}"
