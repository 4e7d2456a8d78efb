"""Work of `check` on time series."""

from collections.abc import Sequence
from typing import BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.events import Listener, Progressed
from lstm_cli.plots.terminal import Terminal
from lstm_cli.rundir import replace_file
from lstm_cli.steps.check.inspect import CheckState, inspect_file
from lstm_cli.steps.check.report import CheckReport, report_of
from lstm_cli.steps.shared.plot_output import TERMINAL, plot_format


def check_series(
    paths: Sequence[str],
    config: PrepareConfig,
    listen: Listener,
    *,
    plot: str | None,
    terminal: Terminal | None,
    stdin: BinaryIO | None,
) -> CheckReport:
    """Read time series as `prepare` would, and return a report.

    Args:
        paths: data files; `-` is standard input.
        config: settings of `prepare`.
        listen: receives progress events.
        plot: path of the picture, or `-` for a drawing in the terminal; None draws nothing.
        terminal: receives the drawing.
        stdin: standard input, read for `-`.

    Raises:
        LstmError: the error that `prepare` would raise, with the report of the known facts.
    """
    state = inspect_file(paths, config, stdin)
    picture = plot if plot is not None and state.grid is not None else None
    if picture is not None:
        listen(Progressed(stage="drawing", done=0))
        _draw(state, picture, terminal)
    report = report_of(state, picture=None if picture == TERMINAL else picture)
    if state.refused is not None:
        state.refused.report = report
        raise state.refused
    return report


def _draw(state: CheckState, plot: str, terminal: Terminal | None) -> None:
    from lstm_cli.steps.check.plot import draw_plot, draw_text

    if plot != TERMINAL:
        replace_file(plot, [draw_plot(state, plot_format(plot))])
    elif terminal is not None:
        terminal.drawn.append(draw_text(state, terminal))
