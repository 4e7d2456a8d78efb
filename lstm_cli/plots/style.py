"""Colors, axes, legends and file formats that all plots share."""

import io
import logging
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, TRUTH, FORECAST, BASELINE = "#8a8f98", "#22262e", "#d1495b", "#5a8fbf"
FORMATS = ("png", "svg", "pdf")
MAX_TITLE = 60  # characters that fit above a panel of half the width
# On a busy machine, matplotlib writes a line about its font cache.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

# Fonts with letters that matplotlib's own font lacks. Installed ones are used.
OTHER_FONTS = (
    *(
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "Source Han Sans SC",
        "WenQuanYi Zen Hei",
        "Droid Sans Fallback",
    ),
    *(
        "PingFang SC",
        "Hiragino Sans",
        "Apple SD Gothic Neo",
        "Microsoft YaHei",
        "Arial Unicode MS",
        "Unifont",
    ),
)
# Without these, an SVG has random ids, and a PDF has the time at which it was written.
REPRODUCIBLE: Any = {"svg.hashsalt": "lstm"}
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def use_temporary_cache() -> None:
    """Set a temporary cache folder for matplotlib, so that it writes nothing into the home folder."""
    if "MPLCONFIGDIR" not in os.environ:
        import atexit
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="lstm-")
        os.environ["MPLCONFIGDIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of a size in inches."""
    use_temporary_cache()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def encode_figure(figure: "Figure", format: str = "png") -> bytes:
    """Return the file of a figure. The same figure gives the same bytes on the same machine.

    Args:
        figure: Figure to draw.
        format: One of `FORMATS`.
    """
    from matplotlib import rc_context

    file = io.BytesIO()
    with warnings.catch_warnings(), rc_context({**REPRODUCIBLE, "font.family": _fonts()}):
        # Characters that no font has are drawn as boxes, which needs no warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(file, format=format, metadata=METADATA[format])
    return file.getvalue()


def _fonts() -> list[str]:
    """Return matplotlib's own font, and the installed `OTHER_FONTS` for letters that it lacks."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in OTHER_FONTS if name in installed)]


def draw_legend(figure: "Figure", axes: Sequence["Axes"], *, columns: int = 6) -> None:
    """Draw a legend above the panels, with each label of all panels once.

    Args:
        figure: Figure with the panels.
        axes: Panels.
        columns: Maximum number of labels in a line.
    """
    handle_by_label: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handle_by_label.setdefault(label, handle)
    if not handle_by_label:
        return
    rows = -(-len(handle_by_label) // columns)
    legend = figure.legend(
        list(handle_by_label.values()),
        list(handle_by_label),
        loc="outside upper center",
        ncols=-(-len(handle_by_label) // rows),
        frameon=False,
        fontsize=9,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def format_axis(axis: "Axes", title: str, *, max_title: int = MAX_TITLE) -> None:
    """Draw the title and the frame of a panel.

    Args:
        axis: Panel.
        title: One or two lines; each is cut to `max_title` characters.
        max_title: Maximum number of characters of a line.
    """
    lines = [short_text(line, max_title) for line in title.split("\n")]
    # A '$' is not a formula.
    axis.set_title("\n".join(lines), loc="left", fontsize=9.5, parse_math=False)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["bottom", "left"]].set_color(INK)
    axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    axis.tick_params(labelsize=8, color=INK)
    axis.margins(x=0.01)


def name_axes(axis: "Axes", x: str = "", y: str = "", *, max_length: int = 28) -> None:
    """Write the names of the axes.

    Args:
        axis: Panel.
        x: Name of the horizontal axis; "" for none.
        y: Name of the vertical axis; "" for none.
        max_length: Maximum number of characters of the vertical name.
    """
    if x:
        axis.set_xlabel(short_text(x, MAX_TITLE), fontsize=8, color=INK, parse_math=False, labelpad=2)
    if y:
        axis.set_ylabel(short_text(y, max_length), fontsize=8, color=INK, parse_math=False)


def format_times(axis: "Axes", times: np.ndarray, *, ticks: int = 7) -> None:
    """Format a time axis. Row numbers keep the default format.

    Args:
        axis: Panel.
        times: datetime64, or whole numbers.
        ticks: Maximum number of ticks.
    """
    if not np.issubdtype(times.dtype, np.datetime64):
        from matplotlib.ticker import MaxNLocator

        axis.xaxis.set_major_locator(MaxNLocator(ticks, integer=True))
        axis.ticklabel_format(axis="x", style="plain", useOffset=False)
        return
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=ticks)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axis.xaxis.get_offset_text().set(fontsize=8, color=INK)


def time_numbers(times: np.ndarray) -> np.ndarray:
    """Return times as matplotlib numbers, and row numbers unchanged."""
    if not np.issubdtype(times.dtype, np.datetime64):
        return times
    from matplotlib.dates import date2num

    numbers: np.ndarray = date2num(times)
    return numbers


def time_texts(times: np.ndarray) -> list[str]:
    """Return times to the minute, or dates if all times are midnight, and whole numbers as they are."""
    if not np.issubdtype(times.dtype, np.datetime64):
        return [str(time) for time in times]
    days = times.astype("datetime64[D]")
    unit: Any = (
        "D" if (times == days).all() else "s" if (times != times.astype("datetime64[m]")).any() else "m"
    )
    return [text.replace("T", " ") for text in np.datetime_as_string(times, unit=unit)]


def short_text(text: str, max_length: int) -> str:
    """Return a text on one line, cut to a number of characters.

    >>> short_text("a long name", 6)
    'a lon…'
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * max_length])
    return text if len(text) <= max_length else text[: max_length - 1] + "…"
