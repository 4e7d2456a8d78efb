"""Tests of Bayesian search, shared storages and Dask."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from small_search import FIXED, SPACE, figures

from lstm_cli.config import TrainConfig, TuneConfig
from lstm_cli.errors import UsageError
from lstm_cli.events import EpochEnded, TrainingStarted, ignore_events
from lstm_cli.steps.tune import tune
from lstm_cli.steps.tune.optuna_sampler import bayesian_trials, pruning_listener
from lstm_cli.steps.tune.spec import DONE, FAILED, PRUNED, Pruned, Trial, make_search_spec

pytestmark = pytest.mark.usefixtures("unshipped")  # these tests need only the trials


def copy_run(prepared: Path, folder: Path) -> Path:
    return Path(shutil.copytree(prepared, folder))


# Bayes


def trial(number: int, settings: dict[str, Any], score: float | None, *, state: str = DONE) -> Trial:
    history = [{"part": "free", "epoch": epoch, "val_loss": 2 * (score or 9)} for epoch in range(3)]
    return {
        "number": number,
        "state": state,
        "settings": settings,
        "metric": "mase",
        "score": score,
        "history": history,
    }


def search(
    config: TuneConfig, before: list[Trial], *, wanted: int, jobs: int = 1, seed: int = 0
) -> list[Trial]:
    """Search the minimum of a parabola in the logarithm of the learning rate, at 1e-3 with huber."""
    space = ("lr=1e-5..1e-1:log", "hidden=8..64", "loss=mae|huber")
    spec = make_search_spec("run", replace(config, space=space, trials=wanted), TrainConfig(seed=seed))

    def run(proposed: Any, rivals: Any) -> Iterator[Trial]:
        for number, settings in proposed:
            assert isinstance(settings["hidden"], tuple)
            bend = (math.log10(settings["lr"]) + 3) ** 2 + (settings["loss"] == "mae")
            yield trial(number, settings, bend)

    return list(bayesian_trials(spec, run, before, name="lstm tune", jobs=jobs, deadline=math.inf))


def test_bayesian_search_finds_the_optimum() -> None:
    result = search(TuneConfig(method="bayes"), [], wanted=40, seed=1)
    assert [one["number"] for one in result] == list(range(40))
    scores = [one["score"] for one in result]
    assert median(scores[20:]) < median(scores[:10]) / 2
    assert sum(one["settings"]["loss"] == "huber" for one in result[20:]) > 12


def test_equal_seeds_propose_equal_settings() -> None:
    one, same, other = (search(TuneConfig(method="bayes"), [], wanted=12, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one[0]["settings"] != other[0]["settings"]


def test_a_resumed_bayesian_search_does_not_repeat_trials() -> None:
    before = search(TuneConfig(method="bayes"), [], wanted=5)
    failed = trial(5, {"lr": 0.05, "hidden": [8], "loss": "mae"}, None, state=FAILED)
    pruned = trial(6, {"lr": 0.05, "hidden": [9], "loss": "mae"}, None, state=PRUNED)
    more = search(TuneConfig(method="bayes"), [*before, failed, pruned], wanted=10, jobs=2)
    assert [one["number"] for one in more] == [7, 8, 9]
    known = [one["settings"] for one in before]
    assert not any(one["settings"] in known for one in more)


def epoch(number: int, loss: float, *, part: str = "anchored") -> EpochEnded:
    return EpochEnded(
        part=part,
        epoch=number,
        epochs=9,
        step=number,
        train_loss=None,
        val_loss=loss,
        best=False,
        lr=1e-3,
        grad_norm=None,
        seconds=0.0,
    )


def test_only_training_worse_than_the_median_is_pruned() -> None:
    rivals = [[1.0, 0.5 + 0.1 * index, 0.4 + 0.1 * index, 0.3 + 0.1 * index] for index in range(5)]
    good, bad, few = pruning_listener(rivals), pruning_listener(rivals), pruning_listener(rivals[:3])
    for listen in (good, bad, few):
        for part in ("free", "anchored"):
            listen(TrainingStarted(model=part, parameters=1, windows=1, epochs=9, steps_per_epoch=1))
    for number, loss in enumerate((1.0, 0.6, 0.5, 0.4)):
        good(epoch(number, loss))
    for number in range(2):
        bad(epoch(number, 0.95))
        bad(epoch(number, 99.0, part="free"))  # only one of two networks is watched
    with pytest.raises(Pruned):
        bad(epoch(2, 0.95))
    for number in range(4):
        few(epoch(number, 9.0))


def test_a_pruned_trial_is_recorded_with_its_history(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other trials of the second round have a loss of 0."""
    rivals = iter([[], [[0.0] * 4] * 5])
    monkeypatch.setattr("lstm_cli.steps.tune.optuna_sampler._rivals", lambda study: next(rivals))
    run = copy_run(prepared, tmp_path / "run")
    fixed = TrainConfig(model="stacked", hidden=(2,), epochs=3, threads=1, patience=9)
    report = tune(run, TuneConfig(method="bayes", trials=2, space=("lr=1e-3..1e-2",)), fixed, ignore_events)
    done, cut = figures(run)
    assert (done["state"], cut["state"]) == ("done", "pruned")
    assert [one["epoch"] for one in done["history"]] == [0, 1, 2, 3]
    assert [one["epoch"] for one in cut["history"]] == [0, 1, 2]
    assert cut["score"] is None
    assert cut["reason"] == "worse than the median of the other trials after epoch 2"
    assert report.best is not None
    assert report.best["number"] == 0


@pytest.mark.parametrize("journal", [False, True])
def test_searches_that_share_a_storage_learn_from_each_other(
    prepared: Path, tmp_path: Path, journal: bool
) -> None:
    """Searches in two runs store their trials in one study; a different search uses another study."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    file = tmp_path / "search"
    storage = str(file) if journal else f"sqlite:///{file}"
    for name, space in (("one", SPACE), ("two", SPACE), ("other", ("log_transform=on|off|auto",))):
        run = copy_run(prepared, tmp_path / name)
        tune(run, TuneConfig(method="bayes", trials=2, space=space, storage=storage), FIXED, ignore_events)
        assert [one["number"] for one in figures(run)] == [0, 1]
    opened = JournalStorage(JournalFileBackend(storage)) if journal else storage
    other, shared = sorted(optuna.get_all_study_summaries(opened), key=lambda study: study.n_trials)
    assert (other.n_trials, shared.n_trials) == (2, 4)
    assert shared.best_trial is not None
    scores = [one["score"] for name in ("one", "two") for one in figures(tmp_path / name)]
    assert shared.best_trial.value == min(scores)
    for study in (other, shared):
        assert optuna.load_study(study_name=study.study_name, storage=opened).metric_names == [
            "validation mase"
        ]


def test_an_unusable_storage_is_an_error(prepared: Path, tmp_path: Path) -> None:
    config = TuneConfig(method="bayes", trials=1, space=SPACE, storage="nonsense://x")
    with pytest.raises(UsageError, match="--storage 'nonsense://x' cannot be used"):
        tune(copy_run(prepared, tmp_path / "run"), config, FIXED, ignore_events)


def test_an_invalid_journal_path_is_an_error(prepared: Path, tmp_path: Path) -> None:
    run, other = copy_run(prepared, tmp_path / "run"), tmp_path / "data.csv"
    other.write_text("day,sales\n2024-01-01,3\n")
    for path, reason in (
        (other, "cannot be used"),
        (run / "search.journal", "is in the run directory"),
        (tmp_path, "is a folder"),
    ):
        config = TuneConfig(method="bayes", trials=1, space=SPACE, storage=str(path))
        with pytest.raises(UsageError, match=reason):
            tune(run, config, FIXED, ignore_events)
    assert other.read_text() == "day,sales\n2024-01-01,3\n"
    assert not (run / "search.journal").exists()


# Dask


def test_dask_workers_give_the_same_trials_as_one_process(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    here, there = copy_run(prepared, tmp_path / "here"), copy_run(prepared, tmp_path / "there")
    tune(here, TuneConfig(trials=3, space=SPACE), FIXED, ignore_events)
    monkeypatch.setattr(
        "lstm_cli.training.train_model.train_model", None
    )  # nothing is trained in this process
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, local_directory=tmp_path
    ) as cluster:
        config = TuneConfig(trials=3, space=SPACE, dask=cluster.scheduler_address)
        tune(there, config, FIXED, ignore_events)
    assert figures(there) == figures(here)


def test_a_scheduler_that_does_not_answer_is_an_error(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstm_cli.steps.tune.search.DASK_TIMEOUT", 0.5)
    config = TuneConfig(trials=1, space=SPACE, dask="127.0.0.1:1")
    with pytest.raises(UsageError, match=r"--dask '127\.0\.0\.1:1': cannot connect to a Dask scheduler"):
        tune(copy_run(prepared, tmp_path / "run"), config, FIXED, ignore_events)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (TuneConfig(method="bayes"), "pip install 'optuna>=4.0'"),
        (TuneConfig(dask="127.0.0.1:1"), "pip install 'dask>=2024.8' 'distributed>=2024.8'"),
    ],
)
def test_a_missing_package_hints_at_pip_install(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, config: TuneConfig, line: str
) -> None:
    monkeypatch.setattr("lstm_cli.config.extras.find_spec", lambda name: None)
    with pytest.raises(UsageError) as refused:
        tune(prepared, config, FIXED, ignore_events)
    assert refused.value.hint == line
