"""`check`: what is known of a data file before anything is made of it. It writes nothing but the picture asked for."""

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
    """Looks at `source` (a path, `-`, a pattern, or several paths) as `prepare` would with these settings.

    plot: where a picture goes. Raises what `prepare` would raise; a DataError or DeviceError bears all that is
    known nevertheless as its attribute `report`.
    """
    check_split_sizes(config.val, config.test)  # before the reading
    sources = expand_paths(source)
    if plot is not None:
        check_plot(plot, sources)
    listen(Progressed(stage="reading", done=0))
    known = inspect_file(sources, config, stdin)
    drawn = plot if plot is not None and known.grid is not None else None
    if drawn is not None:
        listen(Progressed(stage="drawing", done=0))
        replace_file(drawn, [_draw(known)])
    report = report_of(known, picture=drawn)
    if known.refused is not None:
        known.refused.report = report
        raise known.refused
    return report


def check_plot(plot: str, sources: Sequence[str]) -> None:
    """Refuses an unusable picture before any work."""
    require_installed("--plot", "matplotlib")
    if Path(plot).suffix.lower() not in (".png", ""):
        raise UsageError(
            f"--plot '{plot}' is no name of a PNG", hint="name a file such as check.png", flag="--plot"
        )
    for source in sources:
        check_output(plot, source=source, flag="--plot")


def _draw(known: CheckState) -> bytes:
    from lstm_cli.steps.check.plot import draw_plot  # loads matplotlib

    return draw_plot(known)
