"""Tests of `history`: the list of models, a rollback, and what the other steps do after it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fresh_process import run_fresh
from small_steps import LINEAR, PREPARE, write_panel

from lstm_cli.config import EvaluateConfig, ExportConfig, PredictConfig, QuantizeConfig, TrainConfig
from lstm_cli.errors import CorruptArtifact, MissingArtifact, StaleArtifact, UsageError
from lstm_cli.events import Event, WarningRaised, ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.dry_run import plan_history, plan_train
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.export import export
from lstm_cli.steps.history import drop_version, history, roll_back
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.runs.summary import summarize
from lstm_cli.steps.train import train
from lstm_cli.steps.verify import verify

OTHER = replace(LINEAR, seed=1, log_transform="on")


@pytest.fixture(scope="module")
def two_models(scored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with two models of the same data. The first has an int8 model and scores. Do not change it."""
    run = Path(shutil.copytree(scored, tmp_path_factory.mktemp("two") / "run"))
    train(run, OTHER, ignore_events)
    return run


@pytest.fixture
def run(two_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(two_models, tmp_path / "run"))


def forecast(run: Path, events: list[Event] | None = None) -> tuple[bytes, str]:
    """Return the forecast and the precision of the model."""
    output = run.parent / "forecast.csv"
    listen = ignore_events if events is None else events.append
    report = predict(run, None, PredictConfig(output=str(output), threads=1), listen)
    return output.read_bytes(), report.precision


def rules(events: list[Event]) -> list[str]:
    return [event.finding.rule for event in events if isinstance(event, WarningRaised)]


def test_the_list_of_models(run: Path, scored: Path) -> None:
    report = history(run)
    first, second = report.versions
    scores = open_run(scored).report("evaluate")
    assert report.current == 2
    assert (first["current"], first["kept"], first["quantized"]) == (False, True, "int8")
    assert first["scores"]["mase"] == scores["metrics"]["mase"]
    assert first["data"]["time_end"] == open_run(run).report("prepare")["time_end"]
    assert first["served"][0]["until"] == second["made"]
    assert (second["current"], second["scores"], second["since"]) == (True, None, None)
    assert [line["size"] for line in report.versions] == [
        sum(path.stat().st_size for path in [*run.glob("model/0001/*"), *run.glob("quantized/0001/*")]),
        sum(path.stat().st_size for path in run.glob("model/0002/*")),
    ]


def test_a_rollback_serves_the_old_model_and_its_quantized_one(run: Path, scored: Path) -> None:
    shutil.copytree(scored, run.parent / "before")
    before = forecast(run.parent / "before")
    newer = forecast(run)
    assert (before[1], newer[1]) == ("int8", "fp32")
    facts = roll_back(run, 1).rollback
    assert facts is not None
    assert (facts["from"], facts["to"], facts["quantized"], facts["stale"]) == (2, 1, "int8", [])
    assert forecast(run) == before
    assert evaluate(run, EvaluateConfig(threads=1), ignore_events).up_to_date  # the scores were of this model
    facts = roll_back(run, 2).rollback
    assert facts is not None
    assert (facts["quantized"], facts["stale"]) == (None, ["quantized", "scores"])
    assert forecast(run) == newer


def test_a_rollback_to_the_current_model_changes_nothing(run: Path) -> None:
    before = (run / "run.json").read_bytes()
    facts = roll_back(run, 2).rollback
    assert facts is not None
    assert not facts["changed"]
    assert (run / "run.json").read_bytes() == before
    assert plan_history(run, rollback=2, drop=None).writes == ()


@pytest.mark.parametrize("number", [1, 3])
def test_an_unknown_or_removed_version_is_refused_with_the_list(run: Path, number: int) -> None:
    train(run, OTHER, ignore_events, keep=1, force=True)
    drop_hint = "no earlier version is kept: 'lstm train --keep 3' keeps two"
    if number == 1:
        with pytest.raises(UsageError, match="the files of version 1 are removed") as refused:
            roll_back(run, 1)
        assert refused.value.hint == "use --rollback with one of 3"
    with pytest.raises(UsageError) as refused:
        drop_version(run, number)
    assert refused.value.hint == drop_hint
    with pytest.raises(UsageError, match="version 7 is unknown"):
        plan_history(run, rollback=7, drop=None)


def test_a_corrupt_version_changes_nothing(run: Path) -> None:
    weights = run / "model/0001/weights.safetensors"
    data, manifest = weights.read_bytes(), (run / "run.json").read_bytes()
    weights.write_bytes(b"x" + data[1:])
    with pytest.raises(CorruptArtifact, match="version 1 cannot serve") as refused:
        roll_back(run, 1)
    assert "--drop 1" in refused.value.hint
    assert (run / "run.json").read_bytes() == manifest
    shutil.rmtree(weights.parent)
    with pytest.raises(CorruptArtifact, match="is missing"):
        roll_back(run, 1)
    assert (run / "run.json").read_bytes() == manifest
    drop_version(run, 1)
    assert [line["kept"] for line in history(run).versions] == [False, True]


def test_a_corrupt_quantized_model_does_not_stop_a_rollback(run: Path) -> None:
    (run / "quantized/0001/model.onnx").write_bytes(b"x")
    facts = roll_back(run, 1).rollback
    assert facts is not None
    assert facts["quantized_corrupt"]


def test_a_run_without_a_model_has_no_history(run: Path, panel: Path) -> None:
    empty = run.parent / "empty"
    prepare(str(panel), empty, PREPARE, ignore_events)
    for call in (history, lambda path: roll_back(path, 1), lambda path: drop_version(path, 1)):
        with pytest.raises(MissingArtifact, match="has no trained model"):
            call(empty)


def train_again(run: Path, config: TrainConfig, **options: Any) -> tuple[bool, list[str]]:
    """Train, and return whether nothing changed, and the rules of the warnings."""
    events: list[Event] = []
    report = train(run, config, events.append, **options)
    return bool(report.up_to_date), rules(events)


def test_a_training_does_not_undo_a_rollback(run: Path) -> None:
    """With the data and settings of the model that was rolled back, the training would give its bytes again."""
    bad, good = open_run(run).digest("model"), history(run).versions[0]["digest"]
    roll_back(run, 1)
    assert train_again(run, OTHER) == (True, ["M212"])
    assert plan_train(run, OTHER, force=False).up_to_date
    assert open_run(run).digest("model") == good
    assert train_again(run, replace(OTHER, seed=2)) == (False, [])  # other settings are a new model
    roll_back(run, 1)
    assert train_again(run, OTHER) == (False, [])  # that training has ended the rollback of version 2
    assert open_run(run).digest("model") == bad
    roll_back(run, 1)
    assert train_again(run, OTHER, force=True) == (False, [])
    assert open_run(run).digest("model") == bad


def test_a_corrupt_model_is_trained_again_also_after_a_rollback(run: Path) -> None:
    roll_back(run, 1)
    (run / "model/0001/model.onnx").write_bytes(b"x")
    with pytest.raises(CorruptArtifact) as refused:
        verify(run, ignore_events)
    assert refused.value.hint == f"run 'lstm train {run} --force'"
    assert train_again(run, OTHER) == (False, [])
    assert verify(run, ignore_events).broken == ()
    assert [line["kept"] for line in history(run).versions] == [
        False,
        True,
        True,
    ]  # a corrupt one is not kept


def test_the_list_and_a_rollback_load_no_heavy_package(run: Path) -> None:
    for argv in (["history", str(run)], ["history", str(run), "--rollback", "1"]):
        code, loaded, _ = run_fresh(*argv)
        assert (code, loaded & {"torch", "pandas", "sklearn", "numpy", "onnxruntime", "scipy"}) == (0, set())


def test_the_other_steps_after_a_rollback_to_a_model_of_older_data(run: Path, tmp_path: Path) -> None:
    newer = write_panel(tmp_path / "newer.csv", rows=137)
    prepare(str(newer), run, PREPARE, ignore_events)
    train(run, OTHER, ignore_events)
    facts = roll_back(run, 1).rollback
    assert facts is not None
    assert facts["model_is_stale"]
    events: list[Event] = []
    _, precision = forecast(run, events)
    assert (rules(events), precision) == (["M102"], "int8")
    [warning] = [event.finding.text for event in events if isinstance(event, WarningRaised)]
    assert "(version 1, by a rollback)" in warning
    assert f"'lstm train {run} --force'" in warning
    for refused in (
        lambda: evaluate(run, EvaluateConfig(), ignore_events),
        lambda: quantize(run, QuantizeConfig(), ignore_events),
        lambda: export(run, ExportConfig(), ignore_events),
    ):
        with pytest.raises(StaleArtifact) as error:
            refused()
        assert error.value.hint.startswith(f"run 'lstm train {run} --force'")
    summary = summarize(open_run(run))
    assert (summary.state, summary.next.split()[:4]) == (
        "out of date",
        ["lstm", "train", str(run), "--force"],
    )
    train(run, OTHER, ignore_events, force=True)  # what the hint says works
    assert evaluate(run, EvaluateConfig(threads=1), ignore_events).up_to_date is None
