"""The trials of a search, one after another or side by side, on this machine or on others."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np

from lstm_cli.config import TuneConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.errors import LstmError, QualityError, UsageError
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.steps.tune.samplers import Settings, grid_settings, random_settings
from lstm_cli.steps.tune.spec import DONE, FAILED, SearchSpec, Trial
from lstm_cli.steps.tune.trial import TrialTask, run_trial

DASK_TIMEOUT = 10  # seconds that a scheduler has to answer


def run_trials(
    search: SearchSpec,
    dataset: Dataset,
    before: Sequence[Trial],
    *,
    name: str,
    threads: int,
    should_stop: Callable[[], int | None],
) -> Iterator[Trial]:
    """The trials that `before` lacks, each as soon as it is over.

    name: of the search, the same on every machine that takes part in it. threads: CPU threads for all trials that
    run side by side. Raises UsageError for a scheduler or storage that
    cannot be reached, Interrupted.
    """
    config, fixed = search.config, search.fixed
    deadline = time.monotonic() + (math.inf if config.time is None else config.time)
    with _workers(config) as (jobs, share):
        each = fixed.threads or share or max(1, threads // jobs)
        side_by_side = jobs if jobs > 1 or config.dask is not None else None

        def run(
            proposed: Iterable[tuple[int, Settings]], rivals: Sequence[Sequence[float]] | None = None
        ) -> Iterator[Trial]:
            tasks = (
                TrialTask(number=number, settings=settings, fixed=fixed, threads=each, rivals=rivals)
                for number, settings in proposed
            )
            return run_tasks(dataset, tasks, jobs=side_by_side, should_stop=should_stop)

        if config.method == "bayes":
            from lstm_cli.steps.tune.optuna_sampler import bayesian_trials

            yield from bayesian_trials(search, run, before, name=name, jobs=jobs, deadline=deadline)
            return
        if config.method == "grid":
            proposals = grid_settings(search.space, search.wanted)
        else:
            proposals = random_settings(search.space, search.wanted, fixed.seed)
        known = [trial["settings"] for trial in before]
        lacking = (one for one in enumerate(proposals) if plain_value(one[1]) not in known)
        yield from run(one for one in lacking if time.monotonic() < deadline)


def run_tasks(
    dataset: Dataset, tasks: Iterable[TrialTask], *, jobs: int | None, should_stop: Callable[[], int | None]
) -> Iterator[Trial]:
    """The trials of the tasks as they end; a task is asked for when it can begin.

    jobs: so many at a time, where joblib sends them; None: one after another in this process. Raises Interrupted.
    """
    if jobs is None:
        for task in tasks:
            raise_if_interrupted(should_stop)
            yield run_trial(dataset, task, should_stop)
        return
    import joblib

    # Out of its file, which joblib would look for by a name that it has not.
    dataset = replace(dataset, values_scaled=np.array(dataset.values_scaled))
    done = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="n_jobs")(
        joblib.delayed(run_trial)(dataset, task) for task in tasks
    )
    for trial in done:
        raise_if_interrupted(should_stop)
        yield trial


def _workers(config: TuneConfig) -> AbstractContextManager[tuple[int, int | None]]:
    """Within the block joblib sends work where `config` says: trials side by side, and threads of each where set."""
    if config.dask is None:
        return nullcontext((config.jobs or 1, None))
    from lstm_cli.steps.tune.dask_backend import dask_workers

    return dask_workers(config.dask, config.jobs, timeout=DASK_TIMEOUT)


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the lowest score, the first of several; None where none came to a score."""
    scored = [trial for trial in trials if trial["state"] == DONE and trial["score"] is not None]
    return min(scored, key=lambda trial: (trial["score"], trial["number"]), default=None)


def no_trial_error(trials: Sequence[Trial], show: str) -> LstmError:
    """The error of a search all of whose trials failed: of usage where their settings alone were refused."""
    if not trials:
        return QualityError("no trial was begun before the time was over", hint="give more with --time")
    reasons = [trial["reason"] for trial in trials if trial["state"] == FAILED]
    many = f"all {len(trials)} trials" if len(trials) > 1 else "the only trial"
    if all(trial["usage"] for trial in trials):
        return UsageError(f"{many} failed, the first with: {reasons[0]}", hint="change --space")
    why = f", the first with: {reasons[0]}" if reasons else ""
    return QualityError(f"{many} failed{why}", hint=f"'{show}' lists them; change --space")


def trial_line(trial: Trial, texts: Mapping[str, str]) -> str:
    """A trial as a line, e.g. `trial 3: mase 0.4512, lr 0.003, 12.3 s`."""
    named = ", ".join(f"{name} {text}" for name, text in texts.items())
    outcome = (
        f"{trial['metric']} {trial['score']:.4f}"
        if trial["state"] == DONE
        else f"{trial['state']}: {trial['reason']}"
    )
    return f"trial {trial['number']}: {outcome}; {named}; {trial['seconds']:.1f} s"
