"""Settings of `lstm tune`."""

from dataclasses import dataclass

from lstm_cli.config.setting import MAX_THREADS, require_bounds, setting
from lstm_cli.errors import UsageError

SEARCH_PANEL = "Search"


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """Settings of `lstm tune`, without the training settings that all trials share."""

    method: str = setting(
        "random",
        "Search method: random, grid or Bayesian search.",
        choices=("random", "grid", "bayes"),
        panel=SEARCH_PANEL,
    )
    trials: int | None = setting(
        None,
        "Number of trials.",
        "N",
        kind="whole",
        default_text="20, or the whole grid",
        panel=SEARCH_PANEL,
        minimum=1,
    )
    time: float | None = setting(  # seconds
        None,
        "Time limit after which no trial starts: seconds, 10m or 2h.",
        "TIME",
        kind="duration",
        default_text="no limit",
        panel=SEARCH_PANEL,
        above=0,
    )
    jobs: int | None = setting(
        None,
        "Number of parallel trials.",
        "N",
        kind="whole",
        default_text="1, or all workers of --dask",
        panel=SEARCH_PANEL,
        minimum=1,
        below=MAX_THREADS + 1,
    )
    space: tuple[str, ...] = setting(
        (),
        "Search space: hidden=32..256:log, dropout=0..0.5, loss=mae|huber (repeatable).",
        "NAME=VALUES",
        default_text="depends on --model",
        panel=SEARCH_PANEL,
    )
    dask: str | None = setting(
        None,
        "Dask scheduler whose workers run the trials.",
        "HOST:PORT",
        default_text="this machine",
        panel=SEARCH_PANEL,
    )
    storage: str | None = setting(
        None,
        "Optuna storage shared with other searches (--method bayes): a database URL, or a journal file in a shared "
        "folder.",
        "URL|FILE",
        default_text="none",
        panel=SEARCH_PANEL,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.storage is not None and self.method != "bayes":
            raise UsageError("--storage needs --method bayes", hint="add --method bayes", flag="--storage")
