"""Tests of labelled sequences in Python: the settings have the names of the flags, and DataFrames go in and out."""

from pathlib import Path

import pandas as pd
import pytest
from small_sequences import gestures

import lstm_cli as lstm

COLUMNS = {"sequence": "id", "label": "move", "value": ["x", "y"]}


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return sequences as a DataFrame."""
    return pd.read_csv(gestures(tmp_path_factory.mktemp("frame") / "moves.csv"))


@pytest.fixture(scope="module")
def run(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> lstm.Run:
    """Return a trained run. Tests must not change it."""
    made = lstm.prepare(frame, tmp_path_factory.mktemp("api") / "run", **COLUMNS)
    made.train(pooling="max", model="stacked", hidden=4, epochs=1, threads=1)
    return made


def test_the_settings_are_those_of_the_flags(run: lstm.Run) -> None:
    prepared, trained = run.stored_report("prepare"), run.stored_report("train")
    assert (prepared.task, prepared.columns, trained.pooling) == ("classify", ("x", "y"), "max")
    assert run.train(pooling="max", model="stacked", hidden=4, epochs=1, threads=1).up_to_date


def test_predict_returns_ids_classes_and_probabilities(run: lstm.Run, frame: pd.DataFrame) -> None:
    predicted = run.predict(frame)
    assert list(predicted) == ["id", "predicted", "p_down", "p_up"]
    assert list(predicted["id"]) == [str(number) for number in range(60)]
    likely = predicted[["p_down", "p_up"]].idxmax(axis=1).str.removeprefix("p_")
    assert list(likely) == list(predicted["predicted"])
    assert predicted[["p_down", "p_up"]].sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert predicted.attrs["lstm"]["sequences"] == 60
    pd.testing.assert_frame_equal(run.predict(), predicted, atol=1e-6)


def test_check_reports_classes(frame: pd.DataFrame) -> None:
    report = lstm.check(frame, **COLUMNS)
    assert (report.labels, report.next) == ({"down": 30, "up": 30}, None)


def test_the_scores_are_shown_in_a_notebook(run: lstm.Run) -> None:
    report = run.evaluate()
    html = report._repr_html_()
    assert f"{report.metrics['accuracy']:.4g}" in html
    assert "majority" in html
    assert "test sequences" in run._repr_html_()
    assert "None" not in run._repr_html_()


@pytest.mark.parametrize(
    ("verb", "settings", "message"),
    [
        ("train", {"poolin": "max"}, "unknown setting 'poolin'"),
        ("train", {"pooling": "sum"}, "is invalid: use one of last, mean"),
        ("predict", {"horizon": 3}, "horizon"),
        ("plot", {}, "task forecast"),
        ("load_windows", {"split": "train"}, "no windows"),
    ],
)
def test_what_the_task_does_not_have_is_a_usage_error(
    run: lstm.Run, verb: str, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(lstm.UsageError, match=message):
        getattr(run, verb)(**settings)


def test_a_missing_column_has_a_hint_in_python(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(lstm.UsageError) as caught:
        lstm.prepare(frame, tmp_path / "run", label="move")
    assert caught.value.hint == "name both columns: `sequence='ID'` `label='COLUMN'`"
