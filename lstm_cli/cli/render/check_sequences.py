"""Report of `check` on labelled sequences and documents as tables."""

from typing import Any

from lstm_cli.cli.render.check import print_columns, print_findings
from lstm_cli.cli.render.classify import MAX_CLASSES, SPLIT_BY, SPLITS, sequence_names
from lstm_cli.cli.render.page import Page
from lstm_cli.wording import count_noun


def check_sequences_table(report: Any, page: Page) -> None:
    """Print the facts of the file, its columns, its classes and splits, the problems, and the next command."""
    page.facts((name, text) for name, text in _facts(report) if text)
    page.blank()
    print_columns(report.columns, page)
    if report.labels is not None:
        page.blank()
        _classes(report, page)
    print_findings(report, page)
    if report.picture is not None:
        page.line(f"plot: {report.picture}")
    if report.next is not None:
        page.blank()
        page.line(f"next: {report.next}")


def _facts(report: Any) -> list[tuple[str, str]]:
    noun, _ = names = sequence_names(report)
    rows = "" if report.rows is None else f": {count_noun(report.rows, names[-1])}"
    sequences = "" if report.count is None else f" of {count_noun(report.count, noun)}"
    if report.tokens is not None:  # one row per document
        rows, sequences = "" if report.rows is None else f": {count_noun(report.rows, noun)}", ""
    vocabulary = "" if report.vocabulary is None else f", {report.vocabulary:,} different"
    return [
        ("task", f"classify labelled {noun}s"),
        ("data", f"{report.source}{rows}{sequences}"),
        ("tokens", "" if report.tokens is None else f"{report.tokens}{vocabulary}"),
        ("lengths", _lengths(report)),
        ("classes", _class_sizes(report)),
        ("splits", "" if report.split_by is None else SPLIT_BY[report.split_by]),
        ("missing", "" if report.tokens is not None else _count(report.filled, "missing value")),
        ("duplicates", _count(report.duplicates, f"duplicate {noun}", " across splits")),
    ]


def _lengths(report: Any) -> str:
    if report.lengths is None:
        return ""
    lengths, (noun, step) = report.lengths, sequence_names(report)
    text = f"{lengths['shortest']} to {lengths['longest']} {step}s, median {lengths['median']:g}"
    if report.max_length is None:
        return text
    cut = f"{count_noun(report.cut, noun)} cut" if report.cut else f"no {noun} cut"
    return f"{text}; the model reads {report.max_length} ({cut})"


def _class_sizes(report: Any) -> str:
    if report.labels is None:
        return ""
    sizes = report.labels.values()
    few, many = min(sizes), max(sizes)
    noun, _ = sequence_names(report)
    of = f"{few:,} to {many:,}" if few < many else f"{few:,}"
    return f"{count_noun(len(sizes), 'class', 'classes')} of {of} {noun}s, imbalance {report.imbalance:g}"


def _count(number: int | None, noun: str, more: str = "") -> str:
    if number is None:
        return ""
    return f"{count_noun(number, noun)}{more}" if number else "none"


def _classes(report: Any, page: Page) -> None:
    total = sum(report.labels.values())
    rows = []
    for label, count in list(report.labels.items())[:MAX_CLASSES]:
        splits = (
            () if report.classes is None else tuple(f"{report.classes[label][name]:,}" for name in SPLITS)
        )
        rows.append((label, f"{count:,}", f"{count / total:.1%}", *splits))
    page.table(
        (
            "class",
            f"{sequence_names(report)[0]}s",
            "share",
            *(() if report.classes is None else SPLITS.values()),
        ),
        rows,
    )
    if len(report.labels) > MAX_CLASSES:
        page.line(f"and {len(report.labels) - MAX_CLASSES:,} more, see --json")
