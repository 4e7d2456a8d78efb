"""Output of `--plot`: a picture in a file, or a drawing in the terminal."""

from collections.abc import Sequence
from pathlib import Path

from lstm_cli.config.extras import require_installed
from lstm_cli.errors import UsageError
from lstm_cli.plots.forecast import Panel, draw_forecast
from lstm_cli.plots.style import FORMATS
from lstm_cli.plots.terminal import Terminal, draw_forecast_text
from lstm_cli.rundir import check_output, replace_file

TERMINAL = "-"  # value of --plot for a drawing in the terminal


def check_plot(
    plot: str, *, run: Path | None = None, sources: Sequence[str | None] = (), output: str | None = None
) -> None:
    """Check that a plot can be written.

    Args:
        plot: value of `--plot`.
        run: run directory, which must not contain the plot.
        sources: input files, which must not be overwritten.
        output: file of the result, which must be another one; None or `-`: there is none.

    Raises:
        UsageError: a package is not installed, the ending is not that of a picture, or the plot would overwrite an
            input or the result.
        OutputError: the folder is not found, or the system does not allow writing.
    """
    if plot == TERMINAL:
        require_installed("--plot -", "plotille")
        return
    require_installed("--plot", "matplotlib")
    if Path(plot).suffix.lower() not in ("", *(f".{format}" for format in FORMATS)):
        raise UsageError(
            f"--plot '{plot}' is not the name of a PNG, SVG or PDF file",
            hint="name a file such as plot.png, or use --plot - to draw in the terminal",
            flag="--plot",
        )
    check_output(plot, run=run, sources=sources, flag="--plot")
    if output not in (None, "-") and Path(plot).resolve() == Path(str(output)).resolve():
        raise UsageError(
            f"--plot and -o are both {plot}", hint="name another file with --plot", flag="--plot"
        )


def plot_files(
    plot: str | None,
    *,
    run: Path | None = None,
    sources: Sequence[str | None] = (),
    output: str | None = None,
) -> list[str]:
    """Return the file that `--plot` writes, for the plan of `--dry-run`; none for a drawing.

    Args:
        plot: value of `--plot`; None: no plot.
        run: as for `check_plot`.
        sources: as for `check_plot`.
        output: as for `check_plot`.

    Raises:
        UsageError, OutputError: as `check_plot`.
    """
    if plot is None:
        return []
    check_plot(plot, run=run, sources=sources, output=output)
    return [] if plot == TERMINAL else [plot]


def plot_format(plot: str) -> str:
    """Return the format of a picture by the ending of its name; `png` without an ending.

    >>> plot_format("forecast.SVG"), plot_format("forecast")
    ('svg', 'png')
    """
    return Path(plot).suffix.lower().removeprefix(".") or FORMATS[0]


def write_forecast_plot(
    plot: str, panels: Sequence[Panel], terminal: Terminal | None, *, title: str = ""
) -> None:
    """Draw forecasts in a file, or in the terminal.

    Args:
        plot: value of `--plot`.
        panels: panels to draw.
        terminal: receives the drawing for `-`.
        title: text above all panels; "" for none.

    Raises:
        OutputError: the file cannot be written.
    """
    if plot != TERMINAL:
        replace_file(plot, [draw_forecast(panels, title=title, format=plot_format(plot))])
    elif terminal is not None:
        terminal.drawn.append(draw_forecast_text(panels, terminal, title=title))
