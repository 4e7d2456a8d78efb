"""Specification of a search, made from its options before the run is changed."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.config import TrainConfig, TuneConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.config.search_space import Space, parse_space
from lstm_cli.rundir import check_output
from lstm_cli.steps.tune.samplers import count_trials
from lstm_cli.tasks.records import FORECAST

DONE, FAILED, PRUNED = "done", "failed", "pruned"
Trial = dict[str, Any]  # a line of trials.jsonl


class Pruned(Exception):
    """Exception that ends a trial because it is worse than earlier ones; raised by its listener."""


@dataclass(frozen=True, kw_only=True)
class SearchSpec:
    """Specification of a search: searched settings, shared settings and number of trials."""

    run: str  # name of the run in reports
    task: str = FORECAST.name
    config: TuneConfig
    fixed: TrainConfig
    space: Space
    max_trials: int  # trials


def make_search_spec(
    run: str,
    config: TuneConfig,
    fixed: TrainConfig,
    *,
    task: str = FORECAST.name,
    space: tuple[str, ...] | None = None,
    left_out: frozenset[str] = frozenset(),
) -> SearchSpec:
    """Return the search for these options.

    Args:
        run: name of the run in reports.
        config: search space, method and limits.
        fixed: settings that all trials share.
        task: name of the task of the run.
        space: default search space; None: that of the model.
        left_out: settings of other tasks, which cannot be searched.

    Raises:
        UsageError: a package is missing, the space names no setting, or a grid is infinite.
        OutputError: the journal file cannot be written.
    """
    if config.method == "bayes":
        require_installed("--method bayes", "optuna")
    if config.storage is not None and not is_database_url(config.storage):
        check_output(config.storage, run=run, flag="--storage")
    if config.dask is not None:
        require_installed("--dask", "dask", "distributed")
    parsed = parse_space(config.space, fixed, default=space, left_out=left_out)
    wanted = count_trials(parsed, config.trials, grid=config.method == "grid")
    return SearchSpec(run=run, task=task, config=config, fixed=fixed, space=parsed, max_trials=wanted)


def is_database_url(storage: str) -> bool:
    """Return whether a storage is the address of a database, and not the path of a journal file."""
    return "://" in storage
