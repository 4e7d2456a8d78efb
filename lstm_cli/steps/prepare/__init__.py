"""Step `prepare`: data files become scaled series on a time grid, with splits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.splits import check_split_sizes
from lstm_cli.data.reading.source import expand_paths
from lstm_cli.events import Listener
from lstm_cli.rundir import writing
from lstm_cli.steps.prepare.report import PrepareReport, data_is_up_to_date
from lstm_cli.steps.shared.cached_report import replay_report


def prepare(
    source: str | Sequence[str],
    run: Path,
    config: PrepareConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
) -> PrepareReport:
    """Read data files and write the run's data; if the data is up to date, return the stored report.

    Args:
        source: a path, `-`, a pattern, or several paths.
        run: path of the run directory.
        config: settings of the step.
        listen: receives progress events and warnings.
        force: prepare even if the data is up to date or `run.json` is corrupt.
        lock_wait: seconds to wait for the lock of the run.
        sources: origin of each setting, for the manifest.
        stdin: standard input, read for `-`.

    Raises:
        LstmError: the data, a setting or the output is not usable. Then nothing is written.
    """
    check_split_sizes(config.val, config.test)  # before the slow reading
    paths = expand_paths(source)
    with writing(
        run, step="prepare", create=True, lock_wait=lock_wait, sources=sources, force=force
    ) as writer:
        if not force and data_is_up_to_date(writer.run, paths, config):
            assert writer.run is not None
            return replay_report(PrepareReport, writer.run, "prepare")
        # Imported late: it loads slow modules that an up-to-date run does not need.
        from lstm_cli.steps.prepare.run import prepare_run

        return prepare_run(writer, paths, config, listen, stdin=stdin)
