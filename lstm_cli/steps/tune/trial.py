"""Trial of a search: trained on the training set, scored on the validation set; only metrics are kept."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lstm_cli.config import TrainConfig
from lstm_cli.errors import Interrupted, LstmError, UsageError
from lstm_cli.events import EpochEnded, Event, Listener, ignore_events
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.steps.tune.spec import DONE, FAILED, PRUNED, Pruned, Trial
from lstm_cli.steps.tune.work import WORK

RECORDED = ("part", "epoch", "train_loss", "val_loss", "lr", "grad_norm", "best")  # fields of an epoch


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """Inputs of one trial, which may run in another process or on another machine."""

    number: int
    settings: dict[str, Any]  # searched settings only
    fixed: TrainConfig
    purpose: str  # name of the task of the run
    threads: int
    rivals: Sequence[Sequence[float]] | None = None  # validation losses of earlier trials; None: no pruning


def run_trial(dataset: Any, task: TrialTask, should_stop: Callable[[], int | None] = lambda: None) -> Trial:
    """Train with the settings of the task and score the validation set; the test set is never read.

    An error within the trial becomes its state and reason, so the search continues.

    Args:
        dataset: prepared data.
        task: settings, threads and losses of earlier trials.
        should_stop: returns the signal that ends the search, or None.

    Raises:
        Interrupted: a signal ended the search.
    """
    began = time.monotonic()
    epochs: list[EpochEnded] = []
    watch = _watch(task)

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            epochs.append(event)
        watch(event)

    trial: Trial = {
        "number": task.number,
        "state": FAILED,
        "settings": task.settings,
        "config": None,
        "seed": task.fixed.seed,
        "metric": None,
        "score": None,
        "metrics": None,
        "parameters": None,
        "reason": None,
        "usage": False,  # the settings are invalid for any data
    }
    try:
        # Without a refit, because validation must score a network that was not trained on its rows.
        config = replace(task.fixed, refit=False, **task.settings)
        trial["config"] = asdict(config)
        score = WORK[task.purpose].score
        trial |= {"state": DONE} | score(dataset, config, task.threads, listen, should_stop)
    except Interrupted:
        raise
    except Pruned:
        trial |= {
            "state": PRUNED,
            "reason": f"worse than the median of the other trials after epoch {epochs[-1].epoch}",
        }
    except LstmError as error:
        trial |= {"reason": error.message, "usage": isinstance(error, UsageError)}
    except (
        RuntimeError,
        ValueError,
        MemoryError,
    ) as error:  # out of device memory, or an invalid network
        trial["reason"] = f"{type(error).__name__}: {error}".splitlines()[0]
    epochs.sort(key=lambda epoch: epoch.part)  # parallel networks report their epochs in any order
    history = [{key: value for key, value in asdict(epoch).items() if key in RECORDED} for epoch in epochs]
    return dict(plain_value(trial | {"history": history, "seconds": round(time.monotonic() - began, 2)}))


def _watch(task: TrialTask) -> Listener:
    if task.rivals is None:
        return ignore_events
    from lstm_cli.steps.tune.optuna_sampler import pruning_listener

    return pruning_listener(task.rivals)
