"""Static charts in SVG. They fill the width of the page, with text of a fixed size, and their colors come from CSS.

The marks are in a nested SVG that is stretched to the width, so their x is a share of it and their y is in pixels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lstm_cli.reporting.markup import Child, Html, element, join
from lstm_cli.reporting.number_text import tick_texts, ticks

TOP, BOTTOM = 18, 22  # pixels above the marks, for the label of the highest tick, and below, for the x axis
WIDTH = 1000  # of the stretched SVG, in its own units
MAX_POINTS = 1_200  # of a static line: more are not visible
LEFT, WIDE_LEFT, RIGHT = 44, 68, 20  # pixels at the sides, for the labels; `page.css` has the same numbers
NARROW, LETTER = 300, 6.5  # pixels of a narrow chart with its sides, and of a letter of a label
TALL = 160  # pixels from which a chart has more grid lines
LINE_GAP = 5  # pixels between a vertical line and its text
TICK, LABEL_GAP = 4, 8  # pixels of a tick mark, and between the marks and a label of the y axis
SIDES = {0: "bare", LEFT: "sided", WIDE_LEFT: "wide-sided"}  # class in `page.css` of the room at the left
BASELINE = 4  # pixels from the middle of a letter to its foot


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

    The labels of both axes stand outside the marks: left of them and below.
    """
    if y_ticks is None:
        values = ticks(*place.y, 4 if place.height >= TALL else 3)
        y_ticks = list(zip(values, tick_texts(values), strict=True))
    height = TOP + place.height + BOTTOM
    left = side(text for _, text in y_ticks)
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
            {
                "class": "y-label",
                "x": -LABEL_GAP,
                "y": f"{TOP + float(place.down(value)) + BASELINE:.1f}",
                "text-anchor": "end",
            },
            text,
        )
        for value, text in y_ticks
    ]
    return element(
        "svg",
        {
            "class": f"chart {SIDES[left]}",
            "role": "img",
            "aria-label": label,
            "width": "100%",
            "height": height,
        },
        *grid,
        stretched,
        *(mark.fixed for mark in marks),
        *labels,
        *(_tick_mark(place, value) for value, _ in x_ticks),
        *(
            _x_label(place, value, text, height)
            for value, text in labels_apart(place, x_ticks, width - left - RIGHT, left)
        ),
    )


def side(texts: Iterable[str]) -> int:
    """Return the pixels at the left of a chart with these labels of the y axis; 0 without labels."""
    longest = max((len(text) for text in texts), default=0)
    return WIDE_LEFT if LETTER * longest > LEFT - LABEL_GAP else LEFT if longest else 0


def labels_apart(
    place: Frame, x_ticks: Sequence[tuple[float, str]], width: float, left: float
) -> list[tuple[float, str]]:
    """Return every tick, or every second or third one, and so on, so that no labels touch or leave the chart.

    Args:
        place: coordinates.
        x_ticks: places and texts.
        width: pixels of the marks.
        left: pixels at the left of the marks.
    """
    ends = [
        (width * float(place.across(value)) - half, width * float(place.across(value)) + half)
        for value, half in ((value, LETTER * len(text) / 2) for value, text in x_ticks)
    ]
    for every in range(1, len(x_ticks) + 1):
        shown = ends[::every]
        if all(end + LETTER < begin for (_, end), (begin, _) in pairwise(shown)):
            return [
                tick
                for tick, (begin, end) in zip(x_ticks[::every], shown, strict=True)
                if begin >= -left and end <= width + RIGHT
            ]
    return []


def _grid_line(place: Frame, value: float, text: str) -> Html:
    y = f"{TOP + float(place.down(value)):.1f}"
    name = "zero" if text == "0" else "grid"
    return element("line", {"class": name, "x1": 0, "x2": "100%", "y1": y, "y2": y})


def _x_label(place: Frame, value: float, text: str, height: int) -> Html:
    at = f"{100 * float(place.across(value)):.2f}%"
    return element("text", {"class": "x-label", "x": at, "y": height - 5, "text-anchor": "middle"}, text)


def _tick_mark(place: Frame, value: float) -> Html:
    at, foot = f"{100 * float(place.across(value)):.2f}%", TOP + place.height
    return element("line", {"class": "tick", "x1": at, "x2": at, "y1": foot, "y2": foot + TICK})


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


def vertical(place: Frame, x: float, kind: str, text: str = "", *, until: float | None = None) -> Mark:
    """Return a vertical line with a text at its top: to the right if a narrow chart has room there, else to the left.

    Args:
        place: coordinates.
        x: place.
        kind: class of the line in the style sheet.
        text: label; "" for none.
        until: place where the room to the right ends; None for the end of the chart.
    """
    share = float(place.across(x))
    at = f"{100 * share:.2f}%"
    shape = element("line", {"class": kind, "x1": at, "x2": at, "y1": TOP, "y2": TOP + place.height})
    if not text:
        return Mark(fixed=shape)
    room = (NARROW - LEFT - RIGHT) * (float(place.across(place.x[1] if until is None else until)) - share)
    fits = LETTER * len(text) + LINE_GAP < room
    label = element(
        "text",
        {
            "class": "note",
            "x": at,
            "dx": LINE_GAP if fits else -LINE_GAP,
            "y": TOP - 6,
            "text-anchor": "start" if fits else "end",
        },
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
