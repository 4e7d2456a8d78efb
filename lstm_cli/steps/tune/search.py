"""Trials of a search, in sequence or in parallel, on this machine or on others."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lstm_cli.config import TuneConfig
from lstm_cli.errors import LstmError, QualityError, UsageError
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.steps.tune.samplers import Settings, grid_settings, random_settings
from lstm_cli.steps.tune.spec import DONE, FAILED, SearchSpec, Trial
from lstm_cli.steps.tune.trial import TrialTask, run_trial
from lstm_cli.steps.tune.work import WORK

DASK_TIMEOUT = 10  # seconds for a scheduler to answer


def run_trials(
    search: SearchSpec,
    dataset: Any,
    before: Sequence[Trial],
    *,
    name: str,
    threads: int,
    should_stop: Callable[[], int | None],
) -> Iterator[Trial]:
    """Yield each missing trial of a search as soon as it ends.

    Args:
        search: search space, settings and number of trials.
        dataset: prepared data.
        before: trials that are already recorded.
        name: name of the study, equal on all machines that share a storage.
        threads: CPU threads of all parallel trials together.
        should_stop: returns the signal that ends the search, or None.

    Raises:
        UsageError: the scheduler or storage cannot be used.
        Interrupted: a signal ended the search.
    """
    config, fixed = search.config, search.fixed
    deadline = time.monotonic() + (math.inf if config.time is None else config.time)
    with _workers(config) as (jobs, worker_threads):
        trial_threads = fixed.threads or worker_threads or max(1, threads // jobs)
        parallel_jobs = jobs if jobs > 1 or config.dask is not None else None
        data = dataset if parallel_jobs is None else WORK[search.task].copy(dataset)

        def run(
            proposed: Iterable[tuple[int, Settings]], rivals: Sequence[Sequence[float]] | None = None
        ) -> Iterator[Trial]:
            tasks = (
                TrialTask(
                    number=number,
                    settings=settings,
                    fixed=fixed,
                    purpose=search.task,
                    threads=trial_threads,
                    rivals=rivals,
                )
                for number, settings in proposed
            )
            return run_tasks(data, tasks, jobs=parallel_jobs, should_stop=should_stop)

        if config.method == "bayes":
            from lstm_cli.steps.tune.optuna_sampler import bayesian_trials

            yield from bayesian_trials(search, run, before, name=name, jobs=jobs, deadline=deadline)
            return
        if config.method == "grid":
            proposals = grid_settings(search.space, search.max_trials)
        else:
            proposals = random_settings(search.space, search.max_trials, fixed.seed)
        known = [trial["settings"] for trial in before]
        missing = (proposal for proposal in enumerate(proposals) if plain_value(proposal[1]) not in known)
        yield from run(proposal for proposal in missing if time.monotonic() < deadline)


def run_tasks(
    dataset: Any, tasks: Iterable[TrialTask], *, jobs: int | None, should_stop: Callable[[], int | None]
) -> Iterator[Trial]:
    """Yield the trial of each task as it ends; the next task is read when it can start.

    Args:
        dataset: prepared data.
        tasks: trials to run.
        jobs: number of parallel trials through joblib; None: in sequence in this process.
        should_stop: returns the signal that ends the search, or None.

    Raises:
        Interrupted: a signal ended the search.
    """
    if jobs is None:
        for task in tasks:
            raise_if_interrupted(should_stop)
            yield run_trial(dataset, task, should_stop)
        return
    import joblib

    done = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="n_jobs")(
        joblib.delayed(run_trial)(dataset, task) for task in tasks
    )
    for trial in done:
        raise_if_interrupted(should_stop)
        yield trial


def _workers(config: TuneConfig) -> AbstractContextManager[tuple[int, int | None]]:
    """Return a context that yields the number of parallel trials and the threads of each, or None for threads."""
    if config.dask is None:
        return nullcontext((config.jobs or 1, None))
    from lstm_cli.steps.tune.dask_backend import dask_workers

    return dask_workers(config.dask, config.jobs, timeout=DASK_TIMEOUT)


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial with the lowest score; None if no trial has a score.

    Of equal scores, the lowest validation loss of a network decides, then the number. Trials whose network gets no
    weight next to the simple model have equal scores.
    """
    scored = [trial for trial in trials if trial["state"] == DONE and trial["score"] is not None]
    return min(scored, key=lambda trial: (trial["score"], _lowest_loss(trial), trial["number"]), default=None)


def _lowest_loss(trial: Trial) -> float:
    losses = [epoch["val_loss"] for epoch in trial["history"] if epoch["val_loss"] is not None]
    return min(losses, default=math.inf)


def no_trial_error(trials: Sequence[Trial], show: str) -> LstmError:
    """Return the error of a search without a finished trial: UsageError if all settings were invalid."""
    if not trials:
        return QualityError("no trial started within the time limit", hint="raise --time")
    reasons = [trial["reason"] for trial in trials if trial["state"] == FAILED]
    subject = f"all {len(trials)} trials" if len(trials) > 1 else "the only trial"
    if all(trial["usage"] for trial in trials):
        return UsageError(f"{subject} failed, first error: {reasons[0]}", hint="change --space")
    first = f", first error: {reasons[0]}" if reasons else ""
    return QualityError(f"{subject} failed{first}", hint=f"list them with '{show}', then change --space")


def trial_line(trial: Trial, texts: Mapping[str, str]) -> str:
    """Return a trial as a line, e.g. `trial 3: mase 0.4512; lr 0.003; 12.3 s`."""
    named = ", ".join(f"{name} {text}" for name, text in texts.items())
    outcome = (
        f"{trial['metric']} {trial['score']:.4f}"
        if trial["state"] == DONE
        else f"{trial['state']}: {trial['reason']}"
    )
    return f"trial {trial['number']}: {outcome}; {named}; {trial['seconds']:.1f} s"
