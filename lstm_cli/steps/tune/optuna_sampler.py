"""Bayesian search with Optuna: tree-structured Parzen estimator (TPE) and pruning by the median.

Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization". Trials are compared by their validation
score. During training, a trial is compared with the others by its validation loss at each epoch.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lstm_cli.config.search_space import Choice, Range, Space, value_text
from lstm_cli.errors import UsageError
from lstm_cli.events import EpochEnded, Event, Listener, TrainingStarted
from lstm_cli.steps.tune.samplers import Settings
from lstm_cli.steps.tune.spec import DONE, FAILED, PRUNED, Pruned, SearchSpec, Trial, is_database_url

if TYPE_CHECKING:
    import optuna

WARM_UP = 2  # epochs before a trial may be pruned
UNPRUNED_TRIALS = 5  # finished trials before a trial may be pruned

Run = Callable[[Iterable[tuple[int, Settings]], Sequence[Sequence[float]] | None], Iterator[Trial]]


def bayesian_trials(
    search: SearchSpec, run: Run, before: Sequence[Trial], *, name: str, jobs: int, deadline: float
) -> Iterator[Trial]:
    """Yield the missing trials in rounds of `jobs`; each round is proposed from all trials before it.

    With a storage, proposals also use the trials that other searches of this name stored. Each search records only
    its own trials.

    Args:
        search: search space, settings and number of trials.
        run: runs proposed trials, given the losses of earlier ones for pruning.
        before: trials that are already recorded.
        name: name of the study in the storage.
        jobs: trials in a round.
        deadline: monotonic time after which no round starts.

    Raises:
        UsageError: the storage cannot be used.
    """
    study, space = _study(search, name, before), search.space
    trials = list(before)
    while (missing := search.max_trials - len(trials)) > 0 and time.monotonic() < deadline:
        first = max((trial["number"] for trial in trials), default=-1) + 1
        asked = {first + index: study.ask(_distributions(space)) for index in range(min(jobs, missing))}
        proposed = ((number, _settings(space, proposal.params)) for number, proposal in asked.items())
        for trial in run(proposed, _rivals(study) if _prunable(search) else None):
            _report_trial(study, asked[trial["number"]], trial)
            trials.append(trial)
            yield trial


def pruning_listener(rivals: Sequence[Sequence[float]]) -> Listener:
    """Return a listener that raises Pruned if the training is worse than the median of the others at an epoch.

    Only one network of a model is watched.

    Args:
        rivals: validation losses of each other trial, by epoch.
    """
    import optuna

    study = _quiet_study(sampler=None, storage=None, name=None)
    for losses in rivals:
        study.add_trial(
            optuna.trial.create_trial(value=min(losses), intermediate_values=dict(enumerate(losses)))
        )
    own = study.ask()
    parts: list[str] = []  # all networks are announced before the first is trained

    def listen(event: Event) -> None:
        if isinstance(event, TrainingStarted):
            parts.append(event.model)
        elif isinstance(event, EpochEnded) and event.val_loss is not None and event.part == _watched(parts):
            own.report(event.val_loss, event.epoch)
            if own.should_prune():
                raise Pruned

    return listen


def _study(search: SearchSpec, name: str, before: Sequence[Trial]) -> "optuna.Study":
    import optuna

    storage = search.config.storage
    if storage is not None:
        # Unseeded: searches that share the storage would propose equal settings with equal seeds.
        sampler = optuna.samplers.TPESampler(constant_liar=True)
        try:
            return _quiet_study(sampler=sampler, storage=_storage(storage), name=name)
        except Exception as error:  # its type depends on the database driver
            raise UsageError(
                f"--storage '{storage}' cannot be used: {str(error).partition(chr(10))[0]}",
                hint="use e.g. --storage sqlite:///search.db or --storage search.journal",
                flag="--storage",
            ) from error
    # A resumed search has another seed, so it does not repeat earlier proposals.
    sampler = optuna.samplers.TPESampler(seed=search.fixed.seed + len(before), constant_liar=True)
    study = _quiet_study(sampler=sampler, storage=None, name=None)
    for trial in before:
        study.add_trial(_to_optuna(search.space, trial))
    return study


def _storage(location: str) -> "str | optuna.storages.BaseStorage":
    """Return the storage for Optuna: the URL of a database, or a journal for the path of a file."""
    if is_database_url(location):
        return location
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(location))


def _quiet_study(
    *, sampler: Any, storage: "str | optuna.storages.BaseStorage | None", name: str | None
) -> "optuna.Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS, n_warmup_steps=WARM_UP)
    return optuna.create_study(
        sampler=sampler, pruner=pruner, storage=storage, study_name=name, load_if_exists=True
    )


def _distributions(space: Space) -> dict[str, Any]:
    from optuna import distributions

    def distribution(values: Range | Choice) -> Any:
        if isinstance(values, Choice):
            return distributions.CategoricalDistribution([value_text(option) for option in values.options])
        if values.form == "number":
            return distributions.FloatDistribution(values.low, values.high, log=values.log)
        return distributions.IntDistribution(int(values.low), int(values.high), log=values.log)

    return {name: distribution(values) for name, values in space.items()}


def _settings(space: Space, params: Mapping[str, Any]) -> Settings:
    """Return the proposal of Optuna as settings."""
    settings = {}
    for name, values in space.items():
        if isinstance(values, Choice):
            settings[name] = next(option for option in values.options if value_text(option) == params[name])
        else:
            settings[name] = values.round_value(params[name])
    return settings


def _params(space: Space, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as parameters of Optuna, the inverse of `_settings`."""

    def param(values: Range | Choice, value: Any) -> Any:
        if isinstance(values, Choice):
            return value_text(value)
        return value[0] if isinstance(value, list | tuple) else value

    return {name: param(values, settings[name]) for name, values in space.items()}


def _to_optuna(space: Space, trial: Trial) -> "optuna.trial.FrozenTrial":
    """Return a recorded trial as a trial of Optuna."""
    import optuna

    losses = _losses(trial)
    done = trial["state"] == DONE
    return optuna.trial.create_trial(
        state=_state(trial),
        value=trial["score"] if done else None,
        params=_params(space, trial["settings"]),
        distributions=_distributions(space),
        intermediate_values=dict(enumerate(losses)),
    )


def _state(trial: Trial) -> Any:
    from optuna.trial import TrialState

    return {DONE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}[trial["state"]]


def _report_trial(study: "optuna.Study", asked: "optuna.Trial", trial: Trial) -> None:
    for epoch, loss in enumerate(_losses(trial)):
        asked.report(loss, epoch)
    value = trial["score"] if trial["state"] == DONE else None
    study.tell(asked, value, state=_state(trial))
    if value is not None:
        _name_objective(study, f"validation {trial['metric']}")


def _name_objective(study: "optuna.Study", name: str) -> None:
    """Store the name of the objective, which dashboards show; a study that has one keeps it."""
    import optuna

    if study.metric_names is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([name])


def _losses(trial: Trial) -> list[float]:
    """Return the validation losses of the watched network, from epoch 0."""
    history = [epoch for epoch in trial["history"] if epoch["val_loss"] is not None]
    watched = _watched([epoch["part"] for epoch in history])
    return [epoch["val_loss"] for epoch in history if epoch["part"] == watched]


def _watched(parts: Sequence[str]) -> str | None:
    """Return the network whose losses are compared: the first by name, because they train in any order."""
    return min(parts, default=None)


def _rivals(study: "optuna.Study") -> list[list[float]]:
    """Return the losses of each finished trial, with those of other searches in the same storage."""
    import optuna

    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    by_trial = [
        [losses[step] for step in sorted(losses)] for losses in (trial.intermediate_values for trial in done)
    ]
    return [losses for losses in by_trial if losses]


def _prunable(search: SearchSpec) -> bool:
    """Return whether losses of different trials can be compared epoch by epoch.

    They cannot if the loss itself is searched, except for `segment`, which validates by MASE with any loss.
    With the effort `best`, `segment` trains several networks of one name, so it cannot be pruned either.
    """
    if search.fixed.model != "segment":
        return "loss" not in search.space
    return search.fixed.effort != "best" and "effort" not in search.space
