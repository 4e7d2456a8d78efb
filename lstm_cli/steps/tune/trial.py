"""Trial of a search: trained on the training rows, scored on the validation rows; only metrics are kept."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.forecast.bounds import make_bounds
from lstm_cli.errors import DataError, Interrupted, LstmError, UsageError
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.evaluation.torch_forecaster import torch_forecaster
from lstm_cli.events import EpochEnded, Event, Listener, ignore_events
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.steps.tune.spec import DONE, FAILED, PRUNED, Pruned, Trial

SCORES = ("mase", "mae_scaled", "mae")  # trials are compared by the first one that is defined for the data
RECORDED = ("part", "epoch", "train_loss", "val_loss", "lr", "grad_norm", "best")  # fields of an epoch


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """Inputs of one trial, which may run in another process or on another machine."""

    number: int
    settings: dict[str, Any]  # searched settings only
    fixed: TrainConfig
    threads: int
    rivals: Sequence[Sequence[float]] | None = None  # validation losses of earlier trials; None: no pruning


def run_trial(
    dataset: Dataset, task: TrialTask, should_stop: Callable[[], int | None] = lambda: None
) -> Trial:
    """Train with the settings of the task and score each validation window; test rows are never read.

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
        trial |= {"state": DONE} | _train_and_score(dataset, config, task.threads, listen, should_stop)
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


def _train_and_score(
    dataset: Dataset,
    config: TrainConfig,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> Trial:
    """Return the metrics of the trained model on the validation rows."""
    from lstm_cli.training.train_model import train_model

    trained = train_model(dataset, config, threads=threads, listen=listen, should_stop=should_stop)
    known, lookback = trained.dataset, trained.settings["lookback"]
    network = trained.validated.network
    windows = scoring.scoring_windows(known, "val", lookback, trained.validated.linear)
    sums = scoring.score(
        windows, torch_forecaster(network, lookback), make_bounds(dataset, config.min, config.max)[0]
    )
    scores = metrics.overall_scores(sums["model"], scoring.metric_scale(known))
    metric = next((name for name in SCORES if scores[name] is not None), None)
    if metric is None:
        raise DataError(
            "the targets have no measured value in the validation rows, so trials cannot be compared",
            rule="D622",
        )
    return {
        "metric": metric,
        "score": scores[metric],
        "metrics": scores,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }
