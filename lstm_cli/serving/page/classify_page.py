"""HTML page of a served classifier: a form that classifies sequences, a curl line, the columns and the classes."""

import json
from typing import Any

from lstm_cli.reporting.markup import Child, Html, element, isolate
from lstm_cli.reporting.sections.layout import section, table
from lstm_cli.serving.page.classify_openapi import summary
from lstm_cli.serving.page.html_page import (
    LOCAL,
    answer_section,
    curl_line,
    curl_rows,
    page_document,
    program_section,
    rows_form,
    script_data,
)
from lstm_cli.serving.page.limits import ServerLimits
from lstm_cli.serving.sequences.description import ClassifierDescription
from lstm_cli.serving.service import CLASSES

TITLE = "Classes"
MAX_CLASSES = 100  # names in the table


def classify_html(description: ClassifierDescription, limits: ServerLimits, *, url: str = LOCAL) -> bytes:
    """Return the page as UTF-8.

    Args:
        description: the served classifier.
        limits: limits of the server.
        url: address of the server for the curl line; the script replaces it by that of the browser.
    """
    header = element(
        "header",
        {},
        element("p", {"class": "kicker"}, f"lstm serve \u00b7 model version {description.version}"),
        element("h1", {}, f"Classify {description.noun}s"),
        element("p", {"class": "about"}, isolate(description.name), f" \u00b7 {summary(description)}"),
        element(
            "noscript", {}, element("p", {"class": "remark"}, "The form needs JavaScript. curl does not.")
        ),
    )
    main = element(
        "main",
        {},
        _form_section(description, limits),
        answer_section(TITLE),
        _program_section(description, limits, url),
        _columns_section(description),
    )
    title = f"Classify {description.noun}s: {description.name}"
    return page_document(title, header, main, data=script_data(_page_data(description)))


def _page_data(description: ClassifierDescription) -> dict[str, Any]:
    """Return what the script needs to know about the route and the answer."""
    return {
        "route": CLASSES.path.removeprefix("/"),
        "key": CLASSES.key,
        "title": TITLE,
        "delimiter": description.delimiter,
        "names": (),
        "sequence": description.answer_columns[0],
        "classes": description.classes,
    }


def _example(description: ClassifierDescription) -> tuple[str, str]:
    """Return sequences of the run as text, and the name of a file for them; "" without data."""
    if description.example_csv:
        return description.example_csv, "rows.csv"
    if description.example_instances:
        return json.dumps({"instances": description.example_instances}), "rows.json"
    return "", "rows.csv" if description.reads_tables else "rows.json"


def _form_section(description: ClassifierDescription, limits: ServerLimits) -> Html:
    title = f"{description.noun.capitalize()}s"
    button = element("button", {"type": "submit", "id": "send"}, f"Classify these {description.noun}s")
    example, _ = _example(description)
    form = rows_form(f"{title}, as CSV or JSON", example, (), (button,), limits)
    filled = f" The form has {description.noun}s of the run." if example else ""
    note = f"The model reads the first {description.max_length:,} {description.step}s of a {description.noun}.{filled}"
    return section("try", title, note, form)


def _program_section(description: ClassifierDescription, limits: ServerLimits, url: str) -> Html:
    _, file = _example(description)
    lines = curl_rows(curl_line(url, limits, body=file, path=CLASSES.path), file)
    routes = (
        (f"POST {CLASSES.path}", f"the class of each {description.noun} of the body: CSV, JSON or Parquet"),
    )
    note = "The answer is JSON or CSV, as the header Accept says. The lines change with the form."
    return program_section(note, lines, routes)


def _columns_section(description: ClassifierDescription) -> Html:
    rows: list[list[Child]] = []
    if description.sequence is not None:
        rows.append([isolate(description.sequence), f"Id of the {description.noun}."])
    rows += [[isolate(name), "Time, which orders the steps."] for name in description.time]
    content = "Text of the document." if description.of_documents else "Value of a step."
    rows += [[isolate(name), content] for name in description.columns]
    per_row = "document" if description.of_documents else "step"
    note = f"One row for each {per_row}, with the columns in any order. Other columns are ignored."
    classes = ", ".join(description.classes[:MAX_CLASSES])
    return section(
        "columns",
        "Columns",
        note if description.reads_tables else 'The values of each sequence are a list in "instances".',
        table("Columns", ["column", "content"], rows, text_columns=2),
        element("p", {}, f"{len(description.classes):,} classes: ", isolate(classes)),
    )
