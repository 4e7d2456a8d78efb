"""One trial of a search: trained on the training rows, scored on the validation rows, nothing kept but figures."""

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

BY = ("mase", "mae_scaled", "mae")  # the first that the data define is what trials are compared by
KEPT = ("part", "epoch", "train_loss", "val_loss", "lr", "grad_norm", "best")  # of an epoch, in the record


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """What one trial needs; it may go to another process or machine."""

    number: int
    settings: dict[str, Any]  # the searched ones
    fixed: TrainConfig
    threads: int
    rivals: Sequence[Sequence[float]] | None = (
        None  # of earlier trials: validation losses by epoch; None: no pruning
    )


def run_trial(
    dataset: Dataset, task: TrialTask, should_stop: Callable[[], int | None] = lambda: None
) -> Trial:
    """Trains with the settings of the task and scores every validation window; never looks at a test row.

    What goes wrong within the trial becomes its state and reason, so that the search goes on. Raises Interrupted.
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
        "usage": False,  # refused by its settings alone, whatever the data hold
    }
    try:
        # Without a refit: validation has to score a network that has not seen its rows.
        config = replace(task.fixed, refit=False, **task.settings)
        trial["config"] = asdict(config)
        trial |= {"state": DONE} | _trained(dataset, config, task.threads, listen, should_stop)
    except Interrupted:
        raise
    except Pruned:
        trial |= {"state": PRUNED, "reason": f"no better than the others after epoch {epochs[-1].epoch}"}
    except LstmError as error:
        trial |= {"reason": error.message, "usage": isinstance(error, UsageError)}
    except (RuntimeError, ValueError, MemoryError) as error:  # memory of the device; what torch cannot build
        trial["reason"] = f"{type(error).__name__}: {error}".splitlines()[0]
    epochs.sort(key=lambda one: one.part)  # networks that train side by side speak in any order
    history = [{key: value for key, value in asdict(one).items() if key in KEPT} for one in epochs]
    return dict(plain_value(trial | {"history": history, "seconds": round(time.monotonic() - began, 2)}))


def _watch(task: TrialTask) -> Listener:
    if task.rivals is None:
        return ignore_events
    from lstm_cli.steps.tune.optuna_sampler import pruning_listener

    return pruning_listener(task.rivals)


def _trained(
    dataset: Dataset,
    config: TrainConfig,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> Trial:
    """The figures of a training that came to its end."""
    from lstm_cli.training.train_model import train_model

    trained = train_model(dataset, config, threads=threads, listen=listen, should_stop=should_stop)
    known, lookback = trained.dataset, trained.settings["lookback"]
    network = trained.validated.network
    windows = scoring.scoring_windows(known, "val", lookback, trained.validated.linear)
    sums = scoring.score(
        windows, torch_forecaster(network, lookback), make_bounds(dataset, config.min, config.max)[0]
    )
    found = metrics.overall_scores(sums["model"], scoring.metric_scale(known))
    metric = next((name for name in BY if found[name] is not None), None)
    if metric is None:
        raise DataError(
            "no target was measured in the validation rows, so that trials cannot be compared", rule="D622"
        )
    return {
        "metric": metric,
        "score": found[metric],
        "metrics": found,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }
