"""Step `check`: inspection of a data file. It writes only the plot (`--plot`)."""

from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.data.reading.dialect.prose import is_prose
from lstm_cli.data.reading.source import expand_paths
from lstm_cli.events import Listener, Progressed
from lstm_cli.plots.terminal import Terminal
from lstm_cli.steps.check.work import WORK, AnyReport
from lstm_cli.steps.shared.plot_output import check_plot
from lstm_cli.tasks.settle import is_inferred, require_own_options, require_verb_for_files, settle_task


def check(
    source: str | Sequence[str],
    config: PrepareConfig,
    listen: Listener,
    *,
    plot: str | None = None,
    terminal: Terminal | None = None,
    stdin: BinaryIO | None = None,
    columns: PrepareOfTasks | None = None,
) -> AnyReport:
    """Read data files as `prepare` would with these settings, and return a report.

    Args:
        source: a path, `-`, a pattern, or several paths.
        config: settings of `prepare`.
        listen: receives progress events.
        plot: path of the picture, or `-` for a drawing in the terminal; None draws nothing.
        terminal: receives the drawing.
        stdin: standard input, read for `-`.
        columns: task, and columns of labelled sequences; None: a forecast.

    Raises:
        LstmError: the error that `prepare` would raise. The attribute `report` of a DataError or DeviceError holds
            the known facts despite the error.
    """
    columns, paths = columns or PrepareOfTasks(), expand_paths(source)
    task = settle_task(config, columns, paths, partial(is_prose, encoding=config.encoding))
    require_verb_for_files(task, "check", paths, inferred=is_inferred(task, columns))
    require_own_options(task, "prepare", config, columns)
    work = WORK[task.name]
    settings = work.settle(config, columns)  # before the slow reading
    if plot is not None:
        check_plot(plot, sources=paths)
    listen(Progressed(stage="reading", done=0))
    return work.check(paths, settings, listen, plot, terminal, stdin)
