"""Drawings of `--plot -`: lines of braille dots for a terminal, from the panels of the pictures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from textwrap import wrap

import numpy as np

from lstm_cli.plots.check import MAX_VALUE, SeriesLine, bucket_rows, row_buckets
from lstm_cli.plots.forecast import Panel
from lstm_cli.plots.robust_limits import Limits, robust_limits
from lstm_cli.plots.style import time_texts

HEIGHT, SINGLE_HEIGHT = 8, 14  # rows of a panel among others, and of the only panel
ROWS_PER_COLUMN = 4  # of a series; longer series are drawn as buckets
MIN_COLUMNS = 16  # columns of dots, even in a very narrow terminal
BLANK = 0x2800  # the braille character without dots; each of its low 8 bits is a dot
RED, DIM, NO_COLOR = "31", "35", ""
TICKS = 3  # numbers at the vertical axis


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Stream that `--plot -` draws on."""

    width: int  # columns
    colors: bool
    drawn: list[str] = field(default_factory=list)  # receives the drawing


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Lines of one meaning. Later layers are drawn over earlier ones."""

    name: str
    lines: Sequence[tuple[np.ndarray, np.ndarray]]  # x and y of each; NaN in y interrupts the line
    color: str  # code of the terminal
    mark: str  # character in a drawing without colors; "" draws the dots


def draw_forecast_text(panels: Sequence[Panel], terminal: Terminal, *, title: str = "") -> str:
    """Return the drawing of forecasts: measured values, forecast, and the narrowest interval.

    Args:
        panels: panels of the picture.
        terminal: terminal to draw for.
        title: text above all panels; "" for none.
    """
    height = SINGLE_HEIGHT if len(panels) == 1 else HEIGHT
    parts = [title] if title else []
    for panel in panels:
        x = np.arange(len(panel.times), dtype=np.float64)
        origin = len(panel.history)
        layers = []
        if panel.bands:
            band = panel.bands[-1]
            layers.append(
                Layer(
                    name=band.name,
                    lines=[(x[origin:], band.low), (x[origin:], band.high)],
                    color=DIM,
                    mark=".",
                )
            )
        measured = panel.history if panel.truth is None else np.concatenate([panel.history, panel.truth])
        layers += [
            Layer(name="measured", lines=[(x[: len(measured)], measured)], color=NO_COLOR, mark=""),
            Layer(name=panel.forecast_name, lines=[(x[origin:], panel.forecast)], color=RED, mark="o"),
        ]
        heading = panel.title if panel.target in panel.title else f"{panel.title} · {panel.target}"
        parts.append(_draw(heading, layers, panel.times, terminal, height, middle=origin))
    return "\n\n".join(parts) + "\n"


def draw_check_text(lines: Sequence[SeriesLine], terminal: Terminal) -> str:
    """Return the drawing of the series of `check`. Values far from all others are cut off and counted.

    Args:
        lines: series of the picture.
        terminal: terminal to draw for.
    """
    height = SINGLE_HEIGHT if len(lines) == 1 else HEIGHT
    parts = []
    for line in lines:
        line = replace(line, values=np.clip(line.values, -MAX_VALUE, MAX_VALUE))
        x = np.arange(len(line.values), dtype=np.float64)
        limits = robust_limits(line.values)
        bottom = limits.low if limits.low is not None else float(np.nanmin(line.values, initial=np.inf))
        missing = np.where(np.isnan(line.values), bottom, np.nan)
        layers = _measured_layers(x, line, terminal.width)
        if np.isfinite(missing).any():
            layers.append(Layer(name="missing", lines=[(x, missing)], color=RED, mark="x"))
        drawn = _draw(line.title, layers, line.times, terminal, height, limits=limits)
        parts.append("\n".join([drawn, *(f"{note}" for note in limits.notes)]))
    return "\n\n".join(parts) + "\n"


def _measured_layers(x: np.ndarray, line: SeriesLine, columns: int) -> list[Layer]:
    """Return the line of a series; of a long one, the mean between minimum and maximum of buckets.

    Args:
        x: [T] positions.
        line: series.
        columns: columns of the terminal.
    """
    if len(line.values) <= ROWS_PER_COLUMN * columns:
        return [Layer(name="measured", lines=[(x, line.values)], color=NO_COLOR, mark="")]
    rows = bucket_rows(len(line.values), line.season, buckets=columns)
    middle, mean, minimum, maximum = row_buckets(line.values, rows)
    ends = [(x[middle], minimum), (x[middle], maximum)]
    return [
        Layer(name="minimum and maximum", lines=ends, color=DIM, mark="."),
        Layer(name=f"mean of {rows:,} rows", lines=[(x[middle], mean)], color=NO_COLOR, mark=""),
    ]


def _draw(
    title: str,
    layers: Sequence[Layer],
    times: np.ndarray,
    terminal: Terminal,
    height: int,
    *,
    middle: int | None = None,
    limits: Limits | None = None,
) -> str:
    """Return one panel: title, dots with the numbers of the vertical axis, times, and a legend.

    Args:
        title: lines above the panel.
        layers: lines to draw.
        times: [T] time of each x.
        terminal: terminal to draw for.
        height: rows of dots.
        middle: x that gets a time label, next to the first and the last.
        limits: limits of the vertical axis; None: all values.
    """
    known = [y[np.isfinite(y)] for layer in layers for _, y in layer.lines]
    low, high = (limits.low, limits.high) if limits is not None else (None, None)
    values = np.concatenate(known) if known else np.zeros(0)
    low = float(values.min(initial=np.inf)) if low is None else low
    high = float(values.max(initial=-np.inf)) if high is None else high
    if not low < high:  # nothing measured, or a constant
        low, high = (low - 1, low + 1) if np.isfinite(low) else (0.0, 1.0)
    numbers = _tick_texts(np.linspace(high, low, TICKS))
    margin = max(map(len, numbers)) + 2
    columns = max(MIN_COLUMNS, terminal.width - margin - 1)
    cells = _cells(layers, len(times), low, high, columns, height, colors=terminal.colors)
    label_rows = {round(place * (height - 1) / (TICKS - 1)): text for place, text in enumerate(numbers)}
    rows = [f"{label_rows.get(row, ''):>{margin - 2}} │{line}" for row, line in enumerate(cells)]
    axis = f"{'':{margin - 2}} └{'─' * columns}"
    stamps = [" " * margin + line for line in _time_lines(times, columns, middle)]
    heading = [line for part in title.split("\n") for line in wrap(part, terminal.width) or [part]]
    legend = "  ".join(_legend_text(layer, colors=terminal.colors) for layer in layers)
    return "\n".join([*heading, *rows, axis, *stamps, *wrap_plain(legend, terminal)])


def wrap_plain(legend: str, terminal: Terminal) -> list[str]:
    """Return the legend as lines; codes of colors do not count as columns."""
    parts, lines, used = legend.split("  "), [""], 0
    for part in parts:
        length = len(part) - (9 if part.startswith("\x1b") else 0)
        if used and used + 2 + length > terminal.width:
            lines, used = [*lines, ""], 0
        lines[-1] += ("  " if used else "") + part
        used += length + (2 if used else 0)
    return lines


def _cells(
    layers: Sequence[Layer], count: int, low: float, high: float, columns: int, height: int, *, colors: bool
) -> list[str]:
    """Return the rows of dots of all layers; the last layer with dots in a cell gives its color or mark."""
    bits = np.zeros((height, columns), dtype=np.int64)
    top = np.full((height, columns), -1)
    for number, layer in enumerate(layers):
        dots = _dots(layer.lines, count, low, high, columns, height)
        plain = layer.mark and not colors
        bits = np.where(
            dots > 0, ord(layer.mark) - BLANK if plain else np.where(bits > 0, bits | dots, dots), bits
        )
        top = np.where(dots > 0, number, top)
    rows = []
    for row_bits, row_top in zip(bits.tolist(), top.tolist(), strict=True):
        text, last = "", NO_COLOR
        for cell, number in zip(row_bits, row_top, strict=True):
            color = layers[number].color if colors and number >= 0 else NO_COLOR
            if color != last:
                text, last = text + (f"\x1b[{color}m" if color else "\x1b[39m"), color
            text += chr(BLANK + cell) if cell else " "
        rows.append((text + ("\x1b[39m" if last else "")).rstrip(" "))
    return rows


def _dots(
    lines: Iterable[tuple[np.ndarray, np.ndarray]],
    count: int,
    low: float,
    high: float,
    columns: int,
    height: int,
) -> np.ndarray:
    """Return the dots [height, columns] of lines, as the low bits of braille characters."""
    from plotille import Canvas

    # The upper ends of a canvas are exclusive.
    right = max(1.0, (count - 1) * (1 + 1 / (2 * columns - 1)))
    top = high + (high - low) / (4 * height - 1)
    canvas = Canvas(columns, height, xmin=0.0, ymin=low, xmax=right, ymax=top)
    beyond = high - low
    for x, y in lines:
        clipped = np.clip(y, low - beyond, high + beyond).tolist()
        before = None
        for here in zip(x.tolist(), clipped, strict=True):
            if here[1] != here[1]:  # NaN
                before = None
                continue
            if before is None:
                canvas.point(*here)
            else:
                canvas.line(*before, *here)
            before = here
    rows = canvas.plot(linesep="\n").split("\n")
    return np.array([[ord(cell) - BLANK if cell != " " else 0 for cell in row] for row in rows])


def _tick_texts(values: np.ndarray) -> list[str]:
    """Return numbers with as many digits as tell them apart.

    >>> _tick_texts(np.array([12.0, 11.5, 11.0])), _tick_texts(np.array([2e6, 1e6, 0.0]))
    (['12.00', '11.50', '11.00'], ['2,000,000', '1,000,000', '0'])
    """
    step = float(values[0] / 2 - values[-1] / 2)  # of numbers near 1e308
    largest = float(np.abs(values).max())
    if largest >= 1e9 or 0 < largest < 1e-4:
        return [f"{value:.3g}" for value in values]
    decimals = max(0, min(9, int(np.ceil(1 - np.log10(step)))))
    return [f"{value:,.{decimals}f}" for value in values]


def _time_lines(times: np.ndarray, columns: int, middle: int | None) -> list[str]:
    """Return the first and the last time, and one in between if it fits, below their columns.

    If two times do not fit on a line, each has its own.
    """
    texts = time_texts(times)
    first, last = texts[0], texts[-1]
    if len(times) == 1:
        return [first]
    if len(first) + 2 + len(last) > columns:
        return [first, f"{last:>{columns}}"]
    line = first.ljust(columns - len(last)) + last
    if middle is not None and 0 < middle < len(times):
        text = texts[middle]
        begin = round(middle * (columns - 1) / (len(times) - 1)) - len(text) // 2
        if len(first) + 2 <= begin and begin + len(text) + 2 <= columns - len(last):
            line = line[:begin] + text + line[begin + len(text) :]
    return [line]


def _legend_text(layer: Layer, *, colors: bool) -> str:
    mark = layer.mark if layer.mark and not colors else "⠒⠒"
    return (
        f"\x1b[{layer.color}m{mark}\x1b[39m {layer.name}"
        if colors and layer.color
        else f"{mark} {layer.name}"
    )
