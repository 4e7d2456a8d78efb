"""Proposals that learn from the trials so far, by Optuna: a tree of Parzen estimators, and pruning by the median.

Bergstra et al. 2011, "Algorithms for hyper-parameter optimization". Trials are compared by their validation
score; while one is trained it is held against the others' validation losses at the same epoch.
"""

import time
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
FIRST = 5  # trials before any is pruned

Run = Callable[[Iterable[tuple[int, Settings]], Sequence[Sequence[float]] | None], Iterator[Trial]]


def bayesian_trials(
    search: SearchSpec, run: Run, before: Sequence[Trial], *, name: str, jobs: int, deadline: float
) -> Iterator[Trial]:
    """Trials in rounds of `jobs`, each round proposed from all before it, until there are as many as wanted.

    With a storage the trials of every search of this name in it are learnt from; each search records its own.
    Raises UsageError for a storage that cannot be used.
    """
    study, space = _study(search, name, before), search.space
    trials = list(before)
    while (lacking := search.wanted - len(trials)) > 0 and time.monotonic() < deadline:
        first = max((trial["number"] for trial in trials), default=-1) + 1
        asked = {first + place: study.ask(_distributions(space)) for place in range(min(jobs, lacking))}
        proposed = ((number, _settings(space, one.params)) for number, one in asked.items())
        for trial in run(proposed, _rivals(study) if _prunable(search) else None):
            _report_trial(study, asked[trial["number"]], trial)
            trials.append(trial)
            yield trial


def pruning_listener(rivals: Sequence[Sequence[float]]) -> Listener:
    """A listener that raises Pruned where a training is worse than the median of the others at the same epoch.

    rivals: of each other trial the validation losses, epoch by epoch. Of several networks one is watched.
    """
    import optuna

    study = _quiet_study(sampler=None, storage=None, name=None)
    for losses in rivals:
        study.add_trial(
            optuna.trial.create_trial(value=min(losses), intermediate_values=dict(enumerate(losses)))
        )
    own = study.ask()
    parts: list[str] = []  # all are announced before any is trained

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
        # Chance of its own for each search that shares it: with one seed all would propose the same.
        sampler = optuna.samplers.TPESampler(constant_liar=True)
        try:
            return _quiet_study(sampler=sampler, storage=_storage(storage), name=name)
        except Exception as error:  # of whichever driver the address names
            raise UsageError(
                f"--storage '{storage}' cannot be used: {str(error).partition(chr(10))[0]}",
                hint="write it like --storage sqlite:///search.db, or --storage search.journal",
                flag="--storage",
            ) from error
    # What was drawn before a kill is not drawn again.
    sampler = optuna.samplers.TPESampler(seed=search.fixed.seed + len(before), constant_liar=True)
    study = _quiet_study(sampler=sampler, storage=None, name=None)
    for trial in before:
        study.add_trial(_stored_trials(search.space, trial))
    return study


def _storage(place: str) -> "str | optuna.storages.BaseStorage":
    """Return what Optuna takes for a storage: the address of a database, or a journal for the path of a file."""
    if is_database_url(place):
        return place
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(place))


def _quiet_study(
    *, sampler: Any, storage: "str | optuna.storages.BaseStorage | None", name: str | None
) -> "optuna.Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=FIRST, n_warmup_steps=WARM_UP)
    return optuna.create_study(
        sampler=sampler, pruner=pruner, storage=storage, study_name=name, load_if_exists=True
    )


def _distributions(space: Space) -> dict[str, Any]:
    import optuna.distributions as kinds

    def of(values: Range | Choice) -> Any:
        if isinstance(values, Choice):
            return kinds.CategoricalDistribution([value_text(one) for one in values.options])
        if values.form == "number":
            return kinds.FloatDistribution(values.low, values.high, log=values.log)
        return kinds.IntDistribution(int(values.low), int(values.high), log=values.log)

    return {name: of(values) for name, values in space.items()}


def _settings(space: Space, params: Mapping[str, Any]) -> Settings:
    """What Optuna proposes, as settings."""
    found = {}
    for name, values in space.items():
        if isinstance(values, Choice):
            found[name] = next(one for one in values.options if value_text(one) == params[name])
        else:
            found[name] = values.round_value(params[name])
    return found


def _params(space: Space, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `_settings`."""

    def of(values: Range | Choice, value: Any) -> Any:
        if isinstance(values, Choice):
            return value_text(value)
        return value[0] if isinstance(value, list | tuple) else value

    return {name: of(values, settings[name]) for name, values in space.items()}


def _stored_trials(space: Space, trial: Trial) -> "optuna.trial.FrozenTrial":
    """A recorded trial as Optuna keeps one."""
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


def _losses(trial: Trial) -> list[float]:
    """The validation losses of the network that is watched, from epoch 0."""
    history = [epoch for epoch in trial["history"] if epoch["val_loss"] is not None]
    watched = _watched([epoch["part"] for epoch in history])
    return [epoch["val_loss"] for epoch in history if epoch["part"] == watched]


def _watched(parts: Sequence[str]) -> str | None:
    """The network whose losses are compared: the first by name, since they train side by side in any order."""
    return min(parts, default=None)


def _rivals(study: "optuna.Study") -> list[list[float]]:
    """The losses of the trials that came to their end, of other searches too where they share a storage."""
    import optuna

    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    every = [
        [losses[step] for step in sorted(losses)] for losses in (one.intermediate_values for one in done)
    ]
    return [losses for losses in every if losses]


def _prunable(search: SearchSpec) -> bool:
    """Whether losses of different trials may be compared epoch by epoch.

    Not where the loss itself is searched, but for `segment`, which validates by MASE whatever its loss is; nor
    with its greatest effort, which trains several networks of one name.
    """
    if search.fixed.model != "segment":
        return "loss" not in search.space
    return search.fixed.effort != "best" and "effort" not in search.space
