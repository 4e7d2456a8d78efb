"""Tests of the page in a browser: it works, loads nothing, breaks no policy, and no name becomes code."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Tab, chromium_path, open_browser
from hostile_run import SERIES

from lstm_cli.config import ReportConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.report import report

PROGRAM = chromium_path()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
CHART = "document.querySelector('.plot')"
OVER = f"{CHART}.querySelector('.u-over').getBoundingClientRect().toJSON()"
LUMINANCE = """(() => {
  const part = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const bright = (color) => {
    const [red, green, blue] = color.match(/[\\d.]+/g).map(Number);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const paper = bright(getComputedStyle(document.body).backgroundColor);
  const texts = [...document.querySelectorAll('body, p, dt, dd, th, td, li, summary, code, .chart text')];
  return Math.min(...texts.map((item) => {
    const style = getComputedStyle(item), ink = bright(item.closest('svg') ? style.fill : style.color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  }));
})()"""


LABELS_OUTSIDE = """[...document.querySelectorAll('.chart')].filter((chart) => chart.clientWidth).every((chart) => {
  const places = (name) => [...chart.querySelectorAll(name)].map((item) => item.getBoundingClientRect());
  const left = Math.min(...places('.grid, .zero').map((place) => place.left));
  const foot = Math.max(...places('.tick').map((place) => place.top));
  return places('.y-label').every((label) => label.right <= left && label.left >= 0)
    && places('.x-label').every((label, index, all) =>
      label.top >= foot && label.right <= window.innerWidth + 1 && (!index || all[index - 1].right < label.left));
})"""


@pytest.fixture(scope="module")
def page(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    report(hostile, ReportConfig(output=str(path), threads=1), ignore_events)
    return path


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    assert PROGRAM is not None
    with open_browser(PROGRAM, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(browser: Tab, page: Path) -> Iterator[Tab]:
    """Return a tab with the page at 1280 pixels in light colors; it must report no problem and ask for nothing."""
    browser.media("light")
    browser.resize(1280, 900)
    browser.open(page)
    browser.evaluate(f"{CHART}.scrollIntoView({{block: 'center'}})")  # where the mouse can reach it
    yield browser
    assert browser.problems == []
    assert browser.requests == []


def test_names_are_text_and_nothing_runs(tab: Tab) -> None:
    loaded = "document.querySelectorAll('img, iframe, link, object, body b, [onload], [onerror]').length"
    assert tab.evaluate(loaded) == 0
    assert tab.evaluate("document.scripts.length") == 3
    assert SERIES[0] in tab.evaluate("document.body.innerText")
    assert tab.evaluate("document.title").startswith("Forecast of <b onclick=alert(2)>y</b>")


def test_drag_zooms_and_double_click_or_the_button_resets(tab: Tab) -> None:
    place = tab.evaluate(OVER)
    middle, reset = place["y"] + place["height"] / 2, f"{CHART}.querySelector('.reset')"
    assert tab.evaluate(f"{reset}.hidden")
    tab.drag(place["x"] + 40, middle, place["x"] + 200)
    tab.wait_for(f"!{reset}.hidden")
    for clicks in (1, 2):
        tab.mouse("Pressed", place["x"] + 100, middle, clicks=clicks)
        tab.mouse("Released", place["x"] + 100, middle, clicks=clicks)
    tab.wait_for(f"{reset}.hidden")
    tab.drag(place["x"] + 40, middle, place["x"] + 200)
    tab.wait_for(f"!{reset}.hidden")
    tab.evaluate(f"{reset}.click()")
    tab.wait_for(f"{reset}.hidden")


def test_pointing_at_a_forecast_shows_its_values(tab: Tab) -> None:
    place = tab.evaluate(OVER)
    tab.mouse("Moved", place["x"] + place["width"] - 3, place["y"] + 20)
    tab.wait_for("document.querySelector('.readout').textContent !== ''")
    text = tab.evaluate("document.querySelector('.readout').textContent")
    assert text.startswith("2024-05-0")
    assert all(word in text for word in ("measured ", "forecast ", "80 % ", "95 % ", "seasonal naive (7) "))


def test_arrow_keys_read_the_values(tab: Tab) -> None:
    tab.evaluate(f"{CHART}.focus()")
    for _ in range(2):
        tab.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight")
        tab.call("Input.dispatchKeyEvent", type="keyUp", key="ArrowRight", code="ArrowRight")
    tab.wait_for("document.querySelector('.readout').textContent.includes('measured')")


def test_a_change_of_the_theme_redraws_the_charts(tab: Tab) -> None:
    canvas = f"{CHART}.querySelector('canvas')"
    pixels = f"{canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data"
    colors = f"new Set(new Uint32Array({pixels}.buffer)).size"
    ink = "getComputedStyle(document.documentElement).getPropertyValue('--model').trim()"
    first = f"{CHART}.querySelector('canvas').toDataURL()"
    before, light = tab.evaluate(first), tab.evaluate(ink)
    tab.media("dark")
    tab.wait_for(f"{ink} !== '{light}'")
    tab.wait_for(f"{first} !== {before!r}")
    assert tab.evaluate(colors) > 5  # drawn, not empty
    assert tab.evaluate(f"{CHART}.querySelectorAll('.uplot').length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(tab: Tab, scheme: str) -> None:
    tab.media(scheme)
    assert tab.evaluate(LUMINANCE) >= 4.5  # WCAG 2.2, level AA


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_no_width_needs_sideways_scrolling(tab: Tab, page: Path, width: int) -> None:
    tab.resize(width, 900, phone=width < 500)
    tab.open(page)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    charts = "[...document.querySelectorAll('.plot .uplot')].map((plot) => plot.getBoundingClientRect())"
    assert tab.evaluate(f"{charts}.every((place) => place.width > 200 && place.right <= {width})")


@pytest.mark.parametrize(("width", "media"), [(360, ""), (1280, ""), (700, "print")])
def test_no_label_of_an_axis_lies_on_a_chart_or_another_label(tab: Tab, width: int, media: str) -> None:
    tab.resize(width, 900, phone=width < 500)
    tab.media("light", media=media)
    assert tab.evaluate(LABELS_OUTSIDE)


def test_live_charts_have_the_side_of_the_static_ones(tab: Tab) -> None:
    places = """[...document.querySelectorAll('.plot')].map((plot) => {
      const left = (name) => plot.querySelector(name).getBoundingClientRect().left;
      return [left('.u-over') - left('.uplot'), parseFloat(getComputedStyle(plot.querySelector('.chart')).paddingLeft)];
    })"""
    found = tab.evaluate(places)
    assert len(found) >= 4
    assert all(live == pytest.approx(static, abs=1) for live, static in found)


@pytest.mark.parametrize("width", [360, 1280])
def test_pointing_at_a_chart_moves_nothing(tab: Tab, width: int) -> None:
    tab.resize(width, 900)
    tab.evaluate(f"{CHART}.scrollIntoView({{block: 'center'}})")
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    below = "document.querySelectorAll('.figure')[2].getBoundingClientRect().top + window.scrollY"
    before, place = tab.evaluate(below), tab.evaluate(OVER)
    tab.mouse("Moved", place["x"] + place["width"] - 3, place["y"] + 20)
    tab.wait_for("document.querySelector('.readout').textContent !== ''")
    assert tab.evaluate(below) == before


def test_tables_fit_a_wide_page(tab: Tab) -> None:
    scrolls = "[...document.querySelectorAll('.scroll')]"
    assert tab.evaluate(f"{scrolls}.every((item) => item.scrollWidth <= item.clientWidth)")


def test_the_page_works_without_scripts(browser: Tab, page: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.media("light")
        browser.resize(1280, 900)
        browser.open(page)
        charts = "[...document.querySelectorAll('.plot .chart')]"
        assert browser.evaluate(f"{charts}.length") >= 4
        assert browser.evaluate(f"{charts}.every((item) => item.getBoundingClientRect().height > 100)")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_paper_shows_the_static_charts(tab: Tab) -> None:
    tab.media("dark", media="print")
    shown = "getComputedStyle(document.querySelector('.plot .{}')).display"
    assert tab.evaluate(shown.format("uplot")) == "none"
    assert tab.evaluate(shown.format("chart")) == "block"
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    closed = "document.querySelectorAll('details:not([open])').length"
    tab.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {closed}; }})")
    before = tab.evaluate(closed)
    assert before > 0
    assert tab.pdf().startswith(b"%PDF")
    assert tab.evaluate("window.printed") == 0  # the settings are unfolded on paper, and only there
    assert tab.evaluate(closed) == before


def test_headings_tables_and_charts_are_named(tab: Tab) -> None:
    assert tab.evaluate("document.documentElement.lang") == "en"
    assert tab.evaluate("document.querySelectorAll('h1').length") == 1
    charts = "[...document.querySelectorAll('svg:not([aria-hidden]):not(.marks)')]"
    assert tab.evaluate(f"{charts}.every((item) => item.getAttribute('aria-label'))")
    assert tab.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert tab.evaluate("[...document.querySelectorAll('table')].every((item) => item.caption.textContent)")
