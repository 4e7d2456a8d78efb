"""Report of `check` on labelled sequences as tables."""

from typing import Any

from lstm_cli.cli.render.check import print_columns, print_findings
from lstm_cli.cli.render.page import Page
from lstm_cli.wording import count_noun

MAX_CLASSES = 12  # rows in a table of classes; --json has all
SPLITS = {"train": "train", "val": "validation", "test": "test"}
SPLIT_BY = {"class": "stratified by class", "group": "by group", "files": "those of the files"}


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
    rows = "" if report.rows is None else f": {count_noun(report.rows, 'step')}"
    sequences = "" if report.count is None else f" of {count_noun(report.count, 'sequence')}"
    return [
        ("task", "classify labelled sequences"),
        ("data", f"{report.source}{rows}{sequences}"),
        ("lengths", _lengths(report)),
        ("classes", _class_sizes(report)),
        ("splits", "" if report.split_by is None else SPLIT_BY[report.split_by]),
        ("missing", _count(report.filled, "missing value")),
        ("duplicates", _count(report.duplicates, "duplicate sequence", " across splits")),
    ]


def _lengths(report: Any) -> str:
    if report.lengths is None:
        return ""
    lengths = report.lengths
    text = f"{lengths['shortest']} to {lengths['longest']} steps, median {lengths['median']:g}"
    if report.max_length is None:
        return text
    cut = f"{count_noun(report.cut, 'sequence')} cut" if report.cut else "no sequence cut"
    return f"{text}; the model reads {report.max_length} ({cut})"


def _class_sizes(report: Any) -> str:
    if report.labels is None:
        return ""
    sizes = report.labels.values()
    few, many = min(sizes), max(sizes)
    of = f"{few:,} to {many:,}" if few < many else f"{few:,}"
    return f"{count_noun(len(sizes), 'class', 'classes')} of {of} sequences, imbalance {report.imbalance:g}"


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
    page.table(("class", "sequences", "share", *(() if report.classes is None else SPLITS.values())), rows)
    if len(report.labels) > MAX_CLASSES:
        page.line(f"and {len(report.labels) - MAX_CLASSES:,} more, see --json")
