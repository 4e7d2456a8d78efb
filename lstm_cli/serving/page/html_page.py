"""HTML page of a server: a form that makes a forecast, curl lines, and the columns of the rows. It loads nothing."""

import json
import shlex
from importlib.resources import files

from lstm_cli import __version__
from lstm_cli.reporting.assets import SCRIPTS, STYLES, asset
from lstm_cli.reporting.document import html_document
from lstm_cli.reporting.markup import Child, Html, element, isolate, join
from lstm_cli.reporting.sections.layout import legend, section, table
from lstm_cli.serving.model.description import RunDescription
from lstm_cli.serving.page.limits import ServerLimits, size_text
from lstm_cli.serving.page.openapi import summary, targets
from lstm_cli.serving.page.schemas import column_text

LOCAL = "http://127.0.0.1:8000"
FORECAST = "/v1/forecast"
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
    return _document(f"Forecast of {names}: {description.name}", header, main, data=_page_data(description))


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
        _field("Token", _input(TOKEN_FIELD, "password", autocomplete="off", required="")),
        element("div", {"class": "buttons"}, element("button", {"type": "submit"}, "Open the page")),
        element("p", {"class": "failure", "id": "failure", "role": "alert", "hidden": ""}),
    )
    main = element("main", {}, section("token-section", "Token", "It stays in this page.", form))
    return _document("lstm serve", header, main, data=None)


def _document(title: str, header: Html, main: Html, *, data: Html | None) -> bytes:
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


def _page_data(description: RunDescription) -> Html:
    """Return what the script needs to know about the columns."""
    names: dict[str, list[str]] = {"time": [], "series": [], "target": []}
    for column in description.columns:
        names.setdefault(column.role, []).append(column.name)
    data = {
        "delimiter": description.delimiter or ",",
        "names": description.names_without_header,
        "columns": names,
        "lookback": description.lookback,
    }
    text = json.dumps(data, ensure_ascii=True, allow_nan=False).translate(ESCAPED)
    return Html(f'<script type="application/json" id="serve-data">{text}</script>')


def _form_section(description: RunDescription, limits: ServerLimits) -> Html:
    rows = element(
        "textarea",
        {"id": "rows", "rows": 12, "spellcheck": "false", "wrap": "off", "autocomplete": "off"},
        "\n" + description.example_csv,  # HTML drops the first newline
    )
    fields: list[Child] = [
        _field(
            "Horizon",
            _input("horizon", "number", min=1, max=description.max_horizon, placeholder=description.horizon),
            f"steps, at most {description.max_horizon:,}",
        )
    ]
    if description.quantile_range is not None:
        low, high = description.quantile_range
        fields.append(
            _field(
                "Quantiles",
                _input(
                    "quantiles", "text", placeholder="0.1,0.5,0.9", inputmode="decimal", autocomplete="off"
                ),
                f"from {low:g} to {high:g}",
            )
        )
    if description.series:
        fields.append(
            _field(
                "Series",
                _input("series", "text", placeholder="all", autocomplete="off"),
                f"one of {description.series_count:,}",
            )
        )
    if limits.needs_token:
        fields.append(
            _field("Token", _input(TOKEN_FIELD, "password", autocomplete="off"), "stays in this page")
        )
    form = element(
        "form",
        {"id": "form"},
        _field("Rows, as CSV or JSON", rows),
        _field(
            "or a file",
            _input("file", "file", accept=".csv,.json,.parquet,.pq,text/csv,application/json"),
            f"CSV, JSON or Parquet, at most {size_text(limits.max_body)}",
        ),
        element("div", {"class": "fields"}, *fields),
        element(
            "div",
            {"class": "buttons"},
            element("button", {"type": "submit", "id": "send"}, "Forecast these rows"),
            element(
                "button",
                {"type": "button", "id": "newest", "class": "second"},
                "Forecast the rows of the run",
            ),
        ),
    )
    least = "" if description.min_rows == 1 else f" It needs at least {description.min_rows:,}."
    filled = " The form has the newest rows of the run." if description.example_csv else ""
    ahead = " Rows after the last target hold the known-ahead covariates." if description.needs_future else ""
    note = f"A forecast reads the last {description.lookback:,} rows of a series.{least}{ahead}{filled}"
    return section("try", "Rows", note, form)


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
    return element(
        "section",
        {"id": "answer", "hidden": ""},
        element(
            "div",
            {"class": "side"},
            element("h2", {}, "Forecast"),
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
                element(
                    "p",
                    {"id": "chosen", "hidden": ""},
                    element("select", {"id": "line", "aria-label": "Line"}),
                ),
                legend(("measured", "rows"), ("model", "forecast"), *bands),
                chart,
                element("p", {"class": "readout", "aria-live": "polite"}),
                element(
                    "div",
                    {
                        "class": "scroll tall",
                        "tabindex": 0,
                        "role": "region",
                        "aria-label": "Forecast as a table",
                    },
                    element("table", {"id": "table"}),
                ),
                element(
                    "div",
                    {"class": "buttons"},
                    element("button", {"type": "button", "id": "save", "class": "second"}, "Save as CSV"),
                ),
            ),
        ),
    )


def _program_section(description: RunDescription, limits: ServerLimits, url: str) -> Html:
    lines = [element("pre", {"tabindex": 0}, element("code", {"id": "curl-newest"}, curl_line(url, limits)))]
    if description.example_csv:
        line = curl_line(url, limits, body="rows.csv")
        lines += [
            element("pre", {"tabindex": 0}, element("code", {"id": "curl-rows"}, line)),
            element(
                "div",
                {"class": "buttons"},
                element(
                    "button",
                    {"type": "button", "id": "save-rows", "class": "second"},
                    "Save the rows as rows.csv",
                ),
            ),
        ]
    routes: list[list[Child]] = [
        [element("code", {}, route), text]
        for route, text in (
            ("GET /v1/forecast", "the forecast after the last row of the run"),
            ("POST /v1/forecast", "a forecast after the rows of the body: CSV, JSON or Parquet"),
            ("POST /invocations, GET /ping", "the same under the names of MLflow and SageMaker"),
            ("GET /v2/health/live, /v2/health/ready", "health"),
            ("GET /metrics", "metrics for Prometheus"),
            ("GET /openapi.json", "all routes, values and errors, for programs"),
        )
    ]
    note = "The answer is JSON, CSV or Parquet, as the header Accept says. The lines change with the form."
    return section(
        "program",
        "From a program",
        note,
        *lines,
        table("Routes", ["route", "answer"], routes, text_columns=2),
    )


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


def curl_line(url: str, limits: ServerLimits, *, body: str = "") -> str:
    """Return a command that asks for a forecast.

    Args:
        url: address of the server.
        limits: limits of the server.
        body: CSV file with the rows; "" for the rows of the run.
    """
    words = ["curl", "-sS"]
    if limits.needs_token:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if body:
        words += ["-H 'Content-Type: text/csv'", "--data-binary", shlex.quote(f"@{body}")]
    return " ".join([*words, shlex.quote(url + FORECAST)])


def _field(label: str, control: Html, note: str = "") -> Html:
    text = join(label, " ", element("span", {"class": "note"}, note)) if note else label
    return element("label", {"class": "field"}, element("span", {}, text), control)


def _input(name: str, kind: str, **attributes: str | int) -> Html:
    return element("input", {"id": name, "name": name, "type": kind, **attributes})
