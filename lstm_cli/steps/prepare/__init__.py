"""`prepare`: a file of measurements becomes scaled series on a time grid, with their splits."""

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
    """Reads `source` (a path, `-`, a pattern, or several paths) and writes the run's data.

    Where the run has the data of these very bytes and settings, it is left alone. force: prepare anyhow, over a run
    whose `run.json` is damaged too. Raises what errors.py names; then nothing is left.
    """
    check_split_sizes(config.val, config.test)  # before the reading
    paths = expand_paths(source)
    with writing(
        run, step="prepare", create=True, lock_wait=lock_wait, sources=sources, force=force
    ) as writer:
        if not force and data_is_up_to_date(writer.run, paths, config):
            assert writer.run is not None
            return replay_report(PrepareReport, writer.run, "prepare")
        # What reads and looks is loaded where there is something to read.
        from lstm_cli.steps.prepare.run import prepare_run

        return prepare_run(writer, paths, config, listen, stdin=stdin)
