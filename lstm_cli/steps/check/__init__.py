"""Step `check`: inspection of a data file. It writes only the plot (`--plot`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.data.build.splits import check_split_sizes
from lstm_cli.data.reading.source import expand_paths
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Progressed
from lstm_cli.rundir import check_output, replace_file
from lstm_cli.steps.check.inspect import CheckState, inspect_file
from lstm_cli.steps.check.report import CheckReport, report_of


def check(
    source: str | Sequence[str],
    config: PrepareConfig,
    listen: Listener,
    *,
    plot: str | None = None,
    stdin: BinaryIO | None = None,
) -> CheckReport:
    """Read data files as `prepare` would with these settings, and return a report.

    Args:
        source: a path, `-`, a pattern, or several paths.
        config: settings of `prepare`.
        listen: receives progress events.
        plot: path of the PNG; None draws nothing.
        stdin: standard input, read for `-`.

    Raises:
        LstmError: the error that `prepare` would raise. The attribute `report` of a DataError or DeviceError holds
            the known facts despite the error.
    """
    check_split_sizes(config.val, config.test)  # before the slow reading
    sources = expand_paths(source)
    if plot is not None:
        check_plot(plot, sources)
    listen(Progressed(stage="reading", done=0))
    state = inspect_file(sources, config, stdin)
    picture = plot if plot is not None and state.grid is not None else None
    if picture is not None:
        listen(Progressed(stage="drawing", done=0))
        replace_file(picture, [_draw(state)])
    report = report_of(state, picture=picture)
    if state.refused is not None:
        state.refused.report = report
        raise state.refused
    return report


def check_plot(plot: str, sources: Sequence[str]) -> None:
    """Raise UsageError or OutputError for a plot that cannot be written."""
    require_installed("--plot", "matplotlib")
    if Path(plot).suffix.lower() not in (".png", ""):
        raise UsageError(
            f"--plot '{plot}' is not the name of a PNG file",
            hint="name a file such as check.png",
            flag="--plot",
        )
    for source in sources:
        check_output(plot, source=source, flag="--plot")


def _draw(state: CheckState) -> bytes:
    from lstm_cli.steps.check.plot import draw_plot  # loads matplotlib

    return draw_plot(state)
