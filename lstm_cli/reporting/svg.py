"""Static charts in SVG. They fill the width of the page, with text of a fixed size, and their colors come from CSS.

The marks are in a nested SVG that is stretched to the width, so their x is a share of it and their y is in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.reporting.markup import Child, Html, element, join
from lstm_cli.reporting.number_text import tick_texts, ticks

TOP, BOTTOM = 18, 22  # pixels above the marks, for the label of the highest tick, and below, for the x axis
WIDTH = 1000  # of the stretched SVG, in its own units
MAX_POINTS = 1_200  # of a static line: more are not visible
EDGE = 0.08  # share of the width in which a label of the x axis is not centered
NARROW, LETTER = 300, 6.5  # pixels of a narrow chart, and of a letter of a label
TALL = 160  # pixels from which a chart has more grid lines
LABEL_GAP = 4  # pixels between a grid line and its label


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Coordinates of a chart."""

    x: tuple[float, float]
    y: tuple[float, float]
    height: int  # pixels of the marks

    def across(self, x: np.ndarray | float) -> np.ndarray:
        """Return the place of x from left to right, 0 to 1."""
        low, high = self.x
        return np.asarray((np.asarray(x, dtype=np.float64) - low) / ((high - low) or 1.0))

    def down(self, y: np.ndarray | float) -> np.ndarray:
        """Return the place of y in pixels from the top of the marks."""
        low, high = self.y
        return np.asarray(self.height * (1 - (np.asarray(y, dtype=np.float64) - low) / ((high - low) or 1.0)))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Part of a chart: stretched shapes, and shapes or text that keep their form."""

    stretched: Child = None
    fixed: Child = None


def frame(x: Sequence[np.ndarray], y: Sequence[np.ndarray], height: int, *, zero: bool = False) -> Frame:
    """Return a frame that holds all values, with a margin above and below.

    Args:
        x: arrays of x values.
        y: arrays of y values; NaN does not count.
        height: pixels.
        zero: whether the y axis begins at 0.
    """
    low, high = value_range(y)
    low = min(low, 0.0) if zero else low
    margin = 0.04 * (high - low) or max(1.0, 0.1 * abs(high))
    return Frame(
        x=value_range(x),
        y=(low if zero and low == 0 else low - margin, high + margin),
        height=height,
    )


def value_range(arrays: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the smallest and the largest finite value of all arrays; (0, 1) without any."""
    ends = [
        (float(known.min()), float(known.max()))
        for array in arrays
        if len(known := np.ravel(array)[np.isfinite(np.ravel(array))])
    ]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0.0, 1.0)


def chart(
    place: Frame,
    label: str,
    x_ticks: Sequence[tuple[float, str]],
    *marks: Mark,
    y_ticks: Sequence[tuple[float, str]] | None = None,
    width: int = NARROW,
) -> Html:
    """Return a chart with its grid and its labels.

    Args:
        place: coordinates.
        label: description for people who do not see the chart.
        x_ticks: places and texts of the x axis.
        marks: content, from back to front.
        y_ticks: places and texts of the y axis; None for round numbers.
        width: pixels of the chart in a narrow page, in which no labels of the x axis may touch.
    """
    if y_ticks is None:
        values = ticks(*place.y, 4 if place.height >= TALL else 3)
        y_ticks = list(zip(values, tick_texts(values), strict=True))
    height = TOP + place.height + BOTTOM
    grid = [_grid_line(place, value, text) for value, text in y_ticks]
    stretched = element(
        "svg",
        {
            **{"x": 0, "y": TOP, "width": "100%", "height": place.height, "class": "marks"},
            **{"viewBox": f"0 0 {WIDTH} {place.height}", "preserveAspectRatio": "none"},
        },
        *(mark.stretched for mark in marks),
    )
    labels = [
        element(
            "text",
            {"class": "y-label", "x": 0, "y": f"{TOP + float(place.down(value)) - LABEL_GAP:.1f}"},
            text,
        )
        for value, text in y_ticks
    ]
    return element(
        "svg",
        {"class": "chart", "role": "img", "aria-label": label, "width": "100%", "height": height},
        *grid,
        stretched,
        *(mark.fixed for mark in marks),
        *labels,
        *(_x_label(place, value, text, height) for value, text in _apart(place, x_ticks, width)),
    )


def _apart(place: Frame, x_ticks: Sequence[tuple[float, str]], narrow: int) -> list[tuple[float, str]]:
    """Return the ticks without those whose label would touch the label before them in a narrow chart."""
    kept: list[tuple[float, str]] = []
    free = -1.0  # right end of the last label, in pixels
    for value, text in x_ticks:
        share, width = float(place.across(value)), LETTER * len(text)
        left = share * narrow - {"start": 0.0, "middle": width / 2, "end": width}[_anchor(share)]
        if left > free:
            kept.append((value, text))
            free = left + width + LETTER
    return kept


def _anchor(share: float) -> str:
    return "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"


def _grid_line(place: Frame, value: float, text: str) -> Html:
    y = f"{TOP + float(place.down(value)):.1f}"
    name = "zero" if text == "0" else "grid"
    return element("line", {"class": name, "x1": 0, "x2": "100%", "y1": y, "y2": y})


def _x_label(place: Frame, value: float, text: str, height: int) -> Html:
    share = float(place.across(value))
    return element(
        "text",
        {"class": "x-label", "x": f"{100 * share:.2f}%", "y": height - 6, "text-anchor": _anchor(share)},
        text,
    )


def line(place: Frame, x: np.ndarray, y: np.ndarray, kind: str) -> Mark:
    """Return a line; NaN interrupts it.

    Args:
        place: coordinates.
        x: [n] rising.
        y: [n].
        kind: class of the line in the style sheet.
    """
    x, y = thin(x, y, MAX_POINTS)
    return Mark(stretched=element("path", {"class": f"line {kind}", "d": _path(place, x, y)}))


def band(place: Frame, x: np.ndarray, low: np.ndarray, high: np.ndarray, kind: str) -> Mark:
    """Return the area between two lines.

    Args:
        place: coordinates.
        x: [n] rising.
        low: [n] lower line.
        high: [n] upper line.
        kind: class of the area in the style sheet.
    """
    known = np.isfinite(low) & np.isfinite(high)
    begins = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0) == 1)
    ends = np.flatnonzero(np.diff(known.astype(np.int8), append=0) == -1) + 1
    parts = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        part = slice(begin, end)
        across = np.concatenate([x[part], x[part][::-1]])
        parts.append(_path(place, across, np.concatenate([high[part], low[part][::-1]])) + "Z")
    return Mark(stretched=element("path", {"class": f"area {kind}", "d": "".join(parts)}))


def bars(place: Frame, edges: np.ndarray, heights: np.ndarray, kind: str) -> Mark:
    """Return bars from 0 up.

    Args:
        place: coordinates.
        edges: [n + 1] rising.
        heights: [n].
        kind: class of the bars in the style sheet.
    """
    left, base = WIDTH * place.across(edges), float(place.down(0.0))
    top = place.down(heights)
    shapes = [
        element(
            "rect",
            {
                "x": f"{left[index]:.1f}",
                "y": f"{top[index]:.1f}",
                "width": f"{max(0.0, left[index + 1] - left[index] - 1.5):.1f}",
                "height": f"{max(0.0, base - top[index]):.1f}",
            },
        )
        for index in range(len(heights))
        if heights[index] > 0
    ]
    return Mark(stretched=element("g", {"class": f"bars {kind}"}, *shapes))


def dots(place: Frame, x: np.ndarray, y: np.ndarray, kind: str, *, radius: float = 3.5) -> Mark:
    """Return dots.

    Args:
        place: coordinates.
        x: [n].
        y: [n]; NaN draws none.
        kind: class of the dots in the style sheet.
        radius: pixels.
    """
    shares, down = place.across(x), place.down(y)
    shapes = [
        element("circle", {"cx": f"{100 * share:.2f}%", "cy": f"{TOP + place_y:.1f}", "r": radius})
        for share, place_y in zip(shares.tolist(), down.tolist(), strict=True)
        if np.isfinite(place_y)
    ]
    return Mark(fixed=element("g", {"class": f"dots {kind}"}, *shapes))


def vertical(place: Frame, x: float, kind: str, text: str = "") -> Mark:
    """Return a vertical line with a text at its top.

    Args:
        place: coordinates.
        x: place.
        kind: class of the line in the style sheet.
        text: label; "" for none.
    """
    share = float(place.across(x))
    at = f"{100 * share:.2f}%"
    shape = element("line", {"class": kind, "x1": at, "x2": at, "y1": TOP, "y2": TOP + place.height})
    if not text:
        return Mark(fixed=shape)
    anchor = "end" if share > 0.5 else "start"
    label = element(
        "text",
        {"class": "note", "x": at, "dx": -5 if share > 0.5 else 5, "y": TOP - 6, "text-anchor": anchor},
        text,
    )
    return Mark(fixed=join(shape, label))


def shade(place: Frame, begin: float, end: float, kind: str) -> Mark:
    """Return a shaded range of x over the whole height.

    Args:
        place: coordinates.
        begin: lower end.
        end: upper end.
        kind: class of the area in the style sheet.
    """
    low, high = (WIDTH * float(np.clip(place.across(x), 0, 1)) for x in (begin, end))
    across = {"x": f"{low:.1f}", "width": f"{high - low:.1f}"}
    return Mark(
        stretched=element("rect", {"class": f"area {kind}", "y": 0, "height": place.height, **across})
    )


def _path(place: Frame, x: np.ndarray, y: np.ndarray) -> str:
    across, down = WIDTH * place.across(x), place.down(y)
    words, pen = [], "M"
    for right, low in zip(across.tolist(), down.tolist(), strict=True):
        if not np.isfinite(low):
            pen = "M"
            continue
        words.append(f"{pen}{right:.1f} {low:.1f}".replace(".0", ""))
        pen = "L"
    if len(words) == 1:  # a line of one point is not drawn
        words.append("h.01")
    return "".join(words)


def thin(x: np.ndarray, y: np.ndarray, max_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest value of each of several parts of a line, in their order.

    So a spike stays visible. A part without values is a NaN.

    Args:
        x: [n] rising.
        y: [n].
        max_points: largest number of points; a shorter line is returned as it is.
    """
    if len(x) <= max_points:
        return x, y
    edges = np.linspace(0, len(x), max_points // 2 + 1).astype(np.int64)
    chosen: list[int] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = y[begin:end]
        if np.isnan(part).all():
            chosen.append(begin)
            continue
        pair = {begin + int(np.nanargmin(part)), begin + int(np.nanargmax(part))}
        chosen += sorted(pair)
    return x[chosen], y[chosen]
