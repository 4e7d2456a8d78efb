"""Tests of the task of a run: which data have it, and options of another task."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from lstm_cli.config import EvaluateConfig, PredictConfig, PrepareConfig, TrainConfig
from lstm_cli.config.classify import ClassifyTrainConfig, SequenceColumns, SequenceNetwork, join_settings
from lstm_cli.config.generate import TextNetwork, TextTokens
from lstm_cli.config.predict import TextSampling
from lstm_cli.config.tasks import PrepareOfTasks, TrainOfTasks
from lstm_cli.errors import CorruptArtifact, UsageError
from lstm_cli.rundir import ARTIFACTS, Run
from lstm_cli.rundir.layout import STEPS
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE, TASKS, Task
from lstm_cli.tasks.settle import (
    is_inferred,
    require_own_options,
    require_verb,
    settle_task,
    stored_task,
    task_of,
)

SETTINGS = {
    "prepare": (PrepareConfig, PrepareOfTasks),
    "train": (TrainConfig, TrainOfTasks),
    "evaluate": (EvaluateConfig,),
    "predict": (PredictConfig, TextSampling),
}


@pytest.mark.parametrize(
    ("columns", "paths", "task"),
    [
        (PrepareOfTasks(), ["a.csv"], FORECAST),
        (PrepareOfTasks(label="y"), ["a.csv"], CLASSIFY),
        (PrepareOfTasks(), ["a_TRAIN.ts", "a_TEST.TS"], CLASSIFY),
        (PrepareOfTasks(), ["a.ts", "b.csv"], FORECAST),
        (PrepareOfTasks(task="forecast"), ["a.ts"], FORECAST),
        (PrepareOfTasks(task="classify"), ["-"], CLASSIFY),
        (PrepareOfTasks(task="generate"), ["-"], GENERATE),
        (PrepareOfTasks(), ["prose.txt", "prose2.TXT"], GENERATE),
        (PrepareOfTasks(), ["prose.txt.gz", "prose.TXT.zip"], GENERATE),
        (PrepareOfTasks(), ["prose.gz"], FORECAST),
        (PrepareOfTasks(), ["prose.txt", "table.txt"], FORECAST),
        (PrepareOfTasks(), ["table.txt"], FORECAST),
        (PrepareOfTasks(tokens="bytes"), ["prose.txt"], GENERATE),
        (PrepareOfTasks(task="forecast"), ["prose.txt"], FORECAST),
        (PrepareOfTasks(label="y"), ["prose.txt"], CLASSIFY),
        (PrepareOfTasks(sequence="id"), ["prose.txt"], FORECAST),
    ],
)
def test_the_task_is_given_or_inferred(columns: PrepareOfTasks, paths: list[str], task: Task) -> None:
    settled = settle_task(PrepareConfig(), columns, paths, lambda path: path.startswith("prose"))
    assert settled is task
    assert is_inferred(settled, columns) == (task is GENERATE and columns.task is None)


@pytest.mark.parametrize("config", [PrepareConfig(target=("x",)), PrepareConfig(delimiter=" ")])
def test_an_option_of_tables_makes_a_text_file_a_table(config: PrepareConfig) -> None:
    def is_prose(path: str) -> bool:
        raise AssertionError("the file is read")

    assert settle_task(config, PrepareOfTasks(), ["a.txt"], is_prose) is FORECAST


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_records_name_what_exists(task: Task) -> None:
    for verb, names in task.options.items():
        known = {item.name for kind in SETTINGS[verb] for item in fields(kind)}
        assert names <= known, verb
    for artifact, files in task.files.items():
        assert set(files) <= set(ARTIFACTS[artifact].files)
    assert not task.excluded & {
        "prepare",
        "train",
        "evaluate",
        "predict",
        "verify",
        "config",
        "history",
        "runs",
    }
    assert set(STEPS) - task.excluded >= {"prepare", "train", "evaluate"}


@pytest.mark.parametrize(
    ("task", "verb", "settings", "flag"),
    [
        (CLASSIFY, "prepare", PrepareConfig(horizon=3), "--horizon"),
        (CLASSIFY, "prepare", PrepareConfig(calendar=True), "--calendar"),
        (FORECAST, "prepare", SequenceColumns(sequence="id"), "--sequence"),
        (FORECAST, "train", SequenceNetwork(pooling="max"), "--pooling"),
        (CLASSIFY, "train", TrainConfig(loss="mse"), "--loss"),
        (CLASSIFY, "evaluate", EvaluateConfig(backtest=3), "--backtest"),
        (CLASSIFY, "predict", PredictConfig(origin="2020-01-01"), "--origin"),
        (CLASSIFY, "predict", TextSampling(temperature=1.0), "--temperature"),
        (FORECAST, "predict", TextSampling(length=9), "--length"),
        (GENERATE, "predict", PredictConfig(decimal=","), "--decimal"),
        (CLASSIFY, "train", TextNetwork(bptt=3), "--bptt"),
        (FORECAST, "prepare", TextTokens(tokens="bytes"), "--tokens"),
        (GENERATE, "prepare", PrepareConfig(delimiter=";"), "--delimiter"),
        (GENERATE, "prepare", SequenceColumns(label="y"), "--label"),
        (GENERATE, "train", TrainConfig(model="stacked", bidirectional=True), "--bidirectional"),
        (GENERATE, "train", SequenceNetwork(pooling="max"), "--pooling"),
    ],
)
def test_an_option_of_another_task_is_a_usage_error(
    task: Task, verb: str, settings: object, flag: str
) -> None:
    with pytest.raises(UsageError) as error:
        require_own_options(task, verb, settings)
    message = error.value.message
    assert message.startswith(f"{flag} is an option of the task")
    assert task.name not in message.split(", but ")[0].split()
    assert error.value.flag == flag


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_defaults_and_shared_options_fit_every_task(task: Task) -> None:
    require_own_options(task, "prepare", PrepareConfig(val="0.3", encoding="latin-1"), PrepareOfTasks())
    require_own_options(task, "train", TrainConfig(model="stacked", forget_bias=True, lr=0.1), TrainOfTasks())


def run_with(task: str | None) -> Run:
    report = {} if task is None else {"task": task}
    return Run(Path("run"), {"prepare": {"report": report}}, {})


def test_the_task_of_a_run_is_that_of_its_data() -> None:
    assert task_of(run_with(None)) is FORECAST  # runs of earlier releases name no task
    assert task_of(run_with("classify")) is CLASSIFY
    assert task_of(Run(Path("run"), {}, {})) is FORECAST
    with pytest.raises(CorruptArtifact, match="'translate'"):
        task_of(run_with("translate"))


def test_a_folder_that_is_not_a_run_is_left_to_the_step(tmp_path: Path) -> None:
    assert stored_task(tmp_path / "missing") is FORECAST


def test_a_verb_that_the_task_lacks_is_a_usage_error() -> None:
    require_verb(run_with("classify"), "evaluate")
    require_verb(run_with(None), "score")
    with pytest.raises(UsageError, match="task classify"):
        require_verb(run_with("classify"), "score")


def test_settings_are_joined() -> None:
    config = TrainConfig(model="stacked", lr=0.5)
    joined = join_settings(ClassifyTrainConfig, config, SequenceNetwork(pooling="max"))
    assert (joined.lr, joined.pooling, joined.class_weights) == (0.5, "max", "none")
    assert replace(joined, lr=config.lr) == joined
