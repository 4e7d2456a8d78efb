"""What a search looks for, settled from its options before the run is touched."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.config import TrainConfig, TuneConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.config.search_space import Space, parse_space
from lstm_cli.rundir import check_output
from lstm_cli.steps.tune.samplers import count_trials

DONE, FAILED, PRUNED = "done", "failed", "pruned"
Trial = dict[str, Any]  # a line of trials.jsonl


class Pruned(Exception):
    """Raised by what watches a trial, to end it: it does worse than those before."""


@dataclass(frozen=True, kw_only=True)
class SearchSpec:
    """The settings that are searched, those that every trial has in common, and how many trials there are to be."""

    run: str  # as reports name it
    config: TuneConfig
    fixed: TrainConfig
    space: Space
    wanted: int


def make_search_spec(run: str, config: TuneConfig, fixed: TrainConfig) -> SearchSpec:
    """The search that the options ask for.

    Raises UsageError for a package that is missing, a space that names no setting, a grid without end; UsageError
    or OutputError for a journal that cannot be written.
    """
    if config.method == "bayes":
        require_installed("--method bayes", "optuna")
    if config.storage is not None and not is_database_url(config.storage):
        check_output(config.storage, run=run, flag="--storage")
    if config.dask is not None:
        require_installed("--dask", "dask", "distributed")
    space = parse_space(config.space, fixed)
    wanted = count_trials(space, config.trials, grid=config.method == "grid")
    return SearchSpec(run=run, config=config, fixed=fixed, space=space, wanted=wanted)


def is_database_url(storage: str) -> bool:
    """Return whether a storage is the address of a database, and not the path of a journal file."""
    return "://" in storage
