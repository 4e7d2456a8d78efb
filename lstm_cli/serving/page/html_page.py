"""HTML page of a server: a form that makes a forecast, curl lines, and the columns of the rows. It loads nothing."""

import json
import shlex
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from lstm_cli import __version__
from lstm_cli.reporting.assets import SCRIPTS, STYLES, asset
from lstm_cli.reporting.document import html_document
from lstm_cli.reporting.markup import Child, Html, element, isolate, join
from lstm_cli.reporting.sections.layout import legend, section, table
from lstm_cli.serving.model.description import RunDescription
from lstm_cli.serving.page.limits import ServerLimits, size_text
from lstm_cli.serving.page.openapi import summary, targets
from lstm_cli.serving.page.schemas import column_text
from lstm_cli.serving.service import FORECASTS

LOCAL = "http://127.0.0.1:8000"
TOKEN_FIELD = "token"
# Characters that could end the element of the data, or that older scripts read as line ends.
ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
CHART_HEIGHT = 260


def page_html(description: RunDescription, limits: ServerLimits, *, url: str = LOCAL) -> bytes:
    """Return the page as UTF-8.

    Args:
        description: the served model.
        limits: limits of the server.
        url: address of the server for the curl lines; the script replaces it by that of the browser.
    """
    names = ", ".join(targets(description))
    header = element(
        "header",
        {},
        element("p", {"class": "kicker"}, f"lstm serve \u00b7 model version {description.version}"),
        element("h1", {}, "Forecast of ", isolate(names)),
        element("p", {"class": "about"}, isolate(description.name), f" \u00b7 {summary(description)}"),
        element(
            "noscript", {}, element("p", {"class": "remark"}, "The form needs JavaScript. curl does not.")
        ),
    )
    main = element(
        "main",
        {},
        _form_section(description, limits),
        _answer_section(description),
        _program_section(description, limits, url),
        _columns_section(description),
    )
    return page_document(
        f"Forecast of {names}: {description.name}", header, main, data=script_data(_page_data(description))
    )


def sign_in_html() -> bytes:
    """Return the page for a request without a token: it asks for one, and has no data of the run."""
    header = element(
        "header",
        {},
        element("p", {"class": "kicker"}, "lstm serve"),
        element("h1", {}, "Token required"),
        element("p", {"class": "about"}, "This server answers requests with a token only."),
    )
    form = element(
        "form",
        {"id": "sign-in", "class": "fields"},
        labelled_field("Token", input_field(TOKEN_FIELD, "password", autocomplete="off", required="")),
        element("div", {"class": "buttons"}, element("button", {"type": "submit"}, "Open the page")),
        element("p", {"class": "failure", "id": "failure", "role": "alert", "hidden": ""}),
    )
    main = element("main", {}, section("token-section", "Token", "It stays in this page.", form))
    return page_document("lstm serve", header, main, data=None)


def page_document(title: str, header: Html, main: Html, *, data: Html | None) -> bytes:
    """Return a page with the styles and scripts of the server.

    Args:
        title: title of the page.
        header: head of the page.
        main: content of the page.
        data: element with what the script needs; None for a page without data.
    """
    return html_document(
        title,
        header,
        main,
        element("footer", {}, f"lstm {__version__}. Charts: uPlot, MIT licence."),
        styles=[*(asset(name) for name in STYLES), _own_asset("serve.css")],
        scripts=[*(asset(name) for name in SCRIPTS), _own_asset("serve.js")],
        data=data,
        connect="'self'",
    )


def _own_asset(name: str) -> str:
    return files("lstm_cli.serving.page").joinpath("assets", name).read_text(encoding="utf-8")


def _page_data(description: RunDescription) -> dict[str, Any]:
    """Return what the script needs to know about the route and the columns."""
    names: dict[str, list[str]] = {"time": [], "series": [], "target": []}
    for column in description.columns:
        names.setdefault(column.role, []).append(column.name)
    return {
        "route": FORECASTS.path.removeprefix("/"),
        "key": FORECASTS.key,
        "title": "Forecast",
        "delimiter": description.delimiter or ",",
        "names": description.names_without_header,
        "columns": names,
        "lookback": description.lookback,
    }


def script_data(data: Mapping[str, Any]) -> Html:
    """Return the element with the data of the script."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False).translate(ESCAPED)
    return Html(f'<script type="application/json" id="serve-data">{text}</script>')


def _form_section(description: RunDescription, limits: ServerLimits) -> Html:
    fields: list[Child] = [
        labelled_field(
            "Horizon",
            input_field(
                "horizon", "number", min=1, max=description.max_horizon, placeholder=description.horizon
            ),
            f"steps, at most {description.max_horizon:,}",
        )
    ]
    if description.quantile_range is not None:
        low, high = description.quantile_range
        fields.append(
            labelled_field(
                "Quantiles",
                input_field(
                    "quantiles", "text", placeholder="0.1,0.5,0.9", inputmode="decimal", autocomplete="off"
                ),
                f"from {low:g} to {high:g}",
            )
        )
    if description.series:
        fields.append(
            labelled_field(
                "Series",
                input_field("series", "text", placeholder="all", autocomplete="off"),
                f"one of {description.series_count:,}",
            )
        )
    newest = {"type": "button", "id": "newest", "class": "second"}
    buttons = (
        element("button", {"type": "submit", "id": "send"}, "Forecast these rows"),
        element("button", newest, "Forecast the rows of the run"),
    )
    form = rows_form("Rows, as CSV or JSON", description.example_csv, fields, buttons, limits)
    least = "" if description.min_rows == 1 else f" It needs at least {description.min_rows:,}."
    filled = " The form has the newest rows of the run." if description.example_csv else ""
    ahead = " Rows after the last target hold the known-ahead covariates." if description.needs_future else ""
    note = f"A forecast reads the last {description.lookback:,} rows of a series.{least}{ahead}{filled}"
    return section("try", "Rows", note, form)


def rows_form(
    label: str, example: str, fields: Iterable[Child], buttons: Iterable[Child], limits: ServerLimits
) -> Html:
    """Return the form for rows as text or as a file, with a field for the token if the server needs one.

    Args:
        label: label of the text.
        example: text at the start.
        fields: further fields.
        buttons: buttons.
        limits: limits of the server.
    """
    rows = element(
        "textarea",
        {"id": "rows", "rows": 12, "spellcheck": "false", "wrap": "off", "autocomplete": "off"},
        "\n" + example,  # HTML drops the first newline
    )
    if limits.needs_token:
        token = input_field(TOKEN_FIELD, "password", autocomplete="off")
        fields = [*fields, labelled_field("Token", token, "stays in this page")]
    return element(
        "form",
        {"id": "form"},
        labelled_field(label, rows),
        labelled_field(
            "or a file",
            input_field("file", "file", accept=".csv,.json,.parquet,.pq,text/csv,application/json"),
            f"CSV, JSON or Parquet, at most {size_text(limits.max_body)}",
        ),
        element("div", {"class": "fields"}, *fields),
        element("div", {"class": "buttons"}, *buttons),
    )


def _answer_section(description: RunDescription) -> Html:
    chart = element(
        "div",
        {"class": "plot empty", "data-chart": "forecast", "id": "chart"},
        element(
            "svg",
            {
                "class": "chart",
                "width": "100%",
                "height": CHART_HEIGHT,
                "role": "img",
                "aria-label": "Forecast",
            },
        ),
    )
    levels = zip(("band80", "band95"), sorted(description.levels), strict=False)
    bands = [(kind, f"{level:g} % interval") for kind, level in levels]
    chosen = element(
        "p", {"id": "chosen", "hidden": ""}, element("select", {"id": "line", "aria-label": "Line"})
    )
    readout = element("p", {"class": "readout", "aria-live": "polite"})
    shown = (chosen, legend(("measured", "rows"), ("model", "forecast"), *bands), chart, readout)
    return answer_section("Forecast", *shown)


def answer_section(title: str, *shown: Child) -> Html:
    """Return the section of the answer: its errors, its warnings, and its rows as a table.

    Args:
        title: title of the section and the table.
        *shown: content above the table.
    """
    table_place: dict[str, str | int] = {
        "class": "scroll tall",
        "tabindex": 0,
        "role": "region",
        "aria-label": f"{title} as a table",
    }
    save = element("button", {"type": "button", "id": "save", "class": "second"}, "Save as CSV")
    return element(
        "section",
        {"id": "answer", "hidden": ""},
        element(
            "div",
            {"class": "side"},
            element("h2", {}, title),
            element("p", {"id": "status", "role": "status"}),
        ),
        element(
            "div",
            {"class": "main"},
            element("div", {"class": "failure", "id": "failure", "role": "alert", "hidden": ""}),
            element("div", {"class": "warnings", "id": "warnings", "hidden": ""}),
            element(
                "div",
                {"id": "result", "hidden": ""},
                *shown,
                element("div", table_place, element("table", {"id": "table"})),
                element("div", {"class": "buttons"}, save),
            ),
        ),
    )


def _program_section(description: RunDescription, limits: ServerLimits, url: str) -> Html:
    lines = [element("pre", {"tabindex": 0}, element("code", {"id": "curl-newest"}, curl_line(url, limits)))]
    if description.example_csv:
        lines += curl_rows(curl_line(url, limits, body="rows.csv"), "rows.csv")
    routes = (
        ("GET /v1/forecast", "the forecast after the last row of the run"),
        ("POST /v1/forecast", "a forecast after the rows of the body: CSV, JSON or Parquet"),
    )
    note = "The answer is JSON, CSV or Parquet, as the header Accept says. The lines change with the form."
    return program_section(note, lines, routes)


def curl_rows(line: str, file: str) -> list[Html]:
    """Return a command that sends the rows of the form, and a button that saves them to its file.

    Args:
        line: command.
        file: name of the file.
    """
    save = {"type": "button", "id": "save-rows", "class": "second"}
    return [
        element("pre", {"tabindex": 0}, element("code", {"id": "curl-rows"}, line)),
        element("div", {"class": "buttons"}, element("button", save, f"Save the rows as {file}")),
    ]


def program_section(note: str, lines: Iterable[Html], routes: Iterable[tuple[str, str]]) -> Html:
    """Return the section with commands and the table of the routes.

    Args:
        note: remark about the answer.
        lines: commands.
        routes: routes of the task, with their answers.
    """
    rows: list[list[Child]] = [
        [element("code", {}, route), text]
        for route, text in (
            *routes,
            ("POST /invocations, GET /ping", "the same under the names of MLflow and SageMaker"),
            ("GET /v2/health/live, /v2/health/ready", "health"),
            ("GET /metrics", "metrics for Prometheus"),
            ("GET /openapi.json", "all routes, values and errors, for programs"),
        )
    ]
    listed = table("Routes", ["route", "answer"], rows, text_columns=2)
    return section("program", "From a program", note, *lines, listed)


def _columns_section(description: RunDescription) -> Html:
    if description.wide:
        return section(
            "columns", "Columns", "The rows are wide: one column for each series, as in the file of the run."
        )
    rows: list[list[Child]] = [
        [isolate(column.name), column_text(column, description)] for column in description.columns
    ]
    note = "Columns of the rows, in any order. Other columns are ignored."
    return section("columns", "Columns", note, table("Columns", ["column", "content"], rows, text_columns=2))


def curl_line(url: str, limits: ServerLimits, *, body: str = "", path: str = FORECASTS.path) -> str:
    """Return a command that asks for an answer.

    Args:
        url: address of the server.
        limits: limits of the server.
        body: file with the rows, CSV or JSON; "" for the rows of the run.
        path: route.
    """
    words = ["curl", "-sS"]
    if limits.needs_token:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if body:
        kind = "application/json" if body.endswith(".json") else "text/csv"
        words += [f"-H 'Content-Type: {kind}'", "--data-binary", shlex.quote(f"@{body}")]
    return " ".join([*words, shlex.quote(url + path)])


def labelled_field(label: str, control: Html, note: str = "") -> Html:
    """Return a field of a form with its label.

    Args:
        label: label.
        control: input.
        note: remark after the label.
    """
    text = join(label, " ", element("span", {"class": "note"}, note)) if note else label
    return element("label", {"class": "field"}, element("span", {}, text), control)


def input_field(name: str, kind: str, **attributes: str | int) -> Html:
    """Return an input.

    Args:
        name: name and id.
        kind: type of the input.
        **attributes: further attributes.
    """
    return element("input", {"id": name, "name": name, "type": kind, **attributes})
