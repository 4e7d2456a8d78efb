"""Tests of the page in a browser: the form makes a forecast, nothing else is loaded, and no name becomes code."""

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chromium import Tab, chromium_path, open_browser
from described_runs import HOSTILE, LIMITS, LOAD, PANEL, REFUSAL, TOKEN, WITH_TOKEN, page_server

from lstm_cli.serving.page import page_html, sign_in_html
from lstm_cli.serving.page.html_page import curl_line

PROGRAM = chromium_path()
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
SHOWN = "!document.getElementById('result').hidden"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    assert PROGRAM is not None
    with open_browser(PROGRAM, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(browser: Tab) -> Tab:
    browser.problems.clear()
    browser.requests.clear()
    browser.media("light")
    browser.resize(1280, 900)
    return browser


@pytest.fixture(scope="module")
def load() -> Iterator[tuple[str, list[Any]]]:
    with page_server(LOAD, LIMITS) as served:
        yield served


def type_into(tab: Tab, name: str, text: str) -> None:
    field = f"document.getElementById({name!r})"
    tab.evaluate(f"{field}.value = {text!r}; {field}.dispatchEvent(new Event('input', {{bubbles: true}}))")


def text_of(tab: Tab, name: str) -> str:
    return str(tab.evaluate(f"document.getElementById({name!r}).textContent"))


@needs_chromium
def test_the_form_makes_a_forecast(tab: Tab, load: tuple[str, list[Any]]) -> None:
    url, requests = load
    tab.open(url)
    requests.clear()
    type_into(tab, "horizon", "24")
    type_into(tab, "quantiles", "0.1,0.9")
    tab.evaluate("document.getElementById('form').requestSubmit()")
    tab.wait_for(SHOWN)
    ((method, path, headers, body),) = requests
    assert (method, path) == ("POST", "/v1/forecast?horizon=24&quantiles=0.1,0.9")
    assert (headers["Content-Type"], headers["Accept"]) == ("text/csv", "application/json")
    assert body.decode() == LOAD.example_csv
    assert tab.evaluate("document.querySelectorAll('#table tbody tr').length") == 24
    assert "model version 3" in text_of(tab, "status")
    assert "load.csv, line 7: a gap" in text_of(tab, "warnings")
    canvas = "document.querySelector('#chart canvas')"
    pixels = f"{canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data"
    assert tab.evaluate(f"new Set(new Uint32Array({pixels}.buffer)).size") > 5  # drawn, not empty
    assert tab.problems == []
    assert tab.requests == [f"{url}v1/forecast?horizon=24&quantiles=0.1,0.9"]


@needs_chromium
def test_pointing_at_the_chart_shows_time_and_values(tab: Tab, load: tuple[str, list[Any]]) -> None:
    tab.open(load[0])
    tab.evaluate("document.getElementById('newest').click()")
    tab.wait_for(SHOWN)
    tab.evaluate("document.getElementById('chart').scrollIntoView({block: 'center'})")
    place = tab.evaluate("document.querySelector('.u-over').getBoundingClientRect().toJSON()")
    tab.mouse("Moved", place["x"] + place["width"] - 3, place["y"] + 20)
    tab.wait_for("document.querySelector('.readout').textContent !== ''")
    text = tab.evaluate("document.querySelector('.readout').textContent")
    assert text.startswith("2026-11-03 23:00 \u00b7 forecast 12.875 \u00b7 80 % 10.875 to 14.875")
    assert tab.problems == []


@needs_chromium
def test_an_error_shows_its_hint_and_id(tab: Tab, load: tuple[str, list[Any]]) -> None:
    tab.open(load[0])
    type_into(tab, "rows", "date,load\n2026-11-01,abc\n")
    tab.evaluate("document.getElementById('form').requestSubmit()")
    tab.wait_for("!document.getElementById('failure').hidden")
    assert all(REFUSAL[key] in text_of(tab, "failure") for key in ("error", "hint", "request_id"))
    assert tab.evaluate("document.getElementById('result').hidden")


@needs_chromium
def test_json_is_sent_as_json(tab: Tab, load: tuple[str, list[Any]]) -> None:
    tab.open(load[0])
    load[1].clear()
    type_into(tab, "rows", '[{"date": "2026-11-01 00:00:00", "load": 1}]')
    assert "'Content-Type: application/json' --data-binary @rows.json" in text_of(tab, "curl-rows")
    tab.evaluate("document.getElementById('form').requestSubmit()")
    tab.wait_for(SHOWN)
    assert load[1][0][2]["Content-Type"] == "application/json"


@needs_chromium
def test_the_curl_lines_work(tab: Tab, load: tuple[str, list[Any]], tmp_path: Path) -> None:
    url, requests = load
    tab.open(url)
    type_into(tab, "horizon", "5")
    (tmp_path / "rows.csv").write_text(LOAD.example_csv)
    requests.clear()
    for name in ("curl-newest", "curl-rows"):
        done = subprocess.run(
            ["sh", "-c", text_of(tab, name)], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert '"version": "3"' in done.stdout
    newest, rows = requests
    assert newest[:2] == ("GET", "/v1/forecast?horizon=5")
    assert rows[:2] == ("POST", "/v1/forecast?horizon=5")
    assert (rows[2]["Content-Type"], rows[3].decode()) == ("text/csv", LOAD.example_csv)


@needs_chromium
def test_rows_without_a_header_have_their_names_in_the_chart(tab: Tab) -> None:
    rows = LOAD.example_csv.partition("\n")[2]
    with page_server(replace(LOAD, example_csv=rows, names_without_header=("date", "load")), LIMITS) as (
        url,
        _,
    ):
        tab.open(url)
        tab.evaluate("document.getElementById('form').requestSubmit()")
        tab.wait_for(SHOWN)
        tab.evaluate("document.getElementById('chart').scrollIntoView({block: 'center'})")
        place = tab.evaluate("document.querySelector('.u-over').getBoundingClientRect().toJSON()")
        tab.mouse("Moved", place["x"] + 2, place["y"] + 20)
        tab.wait_for("document.querySelector('.readout').textContent !== ''")
        assert tab.evaluate("document.querySelector('.readout').textContent").startswith(
            "2026-11-01 00:00 \u00b7 "
        )


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_needs_sideways_scrolling(
    tab: Tab, load: tuple[str, list[Any]], width: int, scheme: str
) -> None:
    tab.media(scheme)
    tab.resize(width, 900, phone=width < 500)
    tab.open(load[0])
    tab.evaluate("document.getElementById('newest').click()")
    tab.wait_for(SHOWN)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@needs_chromium
def test_a_token_opens_the_page_and_names_stay_text(tab: Tab) -> None:
    with page_server(PANEL, WITH_TOKEN) as (url, requests):
        tab.open(url)
        assert "sales" not in tab.evaluate("document.documentElement.outerHTML")
        for token, known in (("wrong", False), (TOKEN, True)):
            type_into(tab, "token", token)
            tab.evaluate("document.getElementById('sign-in').requestSubmit()")
            tab.wait_for(
                "!!document.getElementById('rows')" if known else "!document.getElementById('failure').hidden"
            )
        assert tab.evaluate("document.title").endswith(HOSTILE)
        assert HOSTILE in tab.evaluate("document.getElementById('columns').textContent")
        assert tab.evaluate("document.querySelectorAll('body b, [onclick]').length") == 0
        tab.evaluate("document.getElementById('newest').click()")
        tab.wait_for("!document.getElementById('answer').hidden")
        tab.wait_for("!document.getElementById('newest').disabled")
        assert requests[0][2]["Authorization"] == f"Bearer {TOKEN}"
        assert tab.evaluate("document.getElementById('curl-newest').textContent").startswith(
            'curl -sS -H "Authorization: Bearer $TOKEN" http://127.0.0.1:'
        )
    assert [problem for problem in tab.problems if "401" not in problem] == []


def test_the_page_for_a_missing_token_has_no_data_of_the_run() -> None:
    assert b"serve-data" not in sign_in_html().partition(b"<body>")[2].partition(b"<script")[0]
    page = page_html(PANEL, WITH_TOKEN)
    assert b"serve-data" in page
    assert HOSTILE.encode() not in page


def test_the_address_of_the_curl_line_is_one_word() -> None:
    words = shlex.split(curl_line("http://$(id)", LIMITS, body="a b.csv"))
    assert words[-1] == "http://$(id)/v1/forecast"
    assert words[-2] == "@a b.csv"
