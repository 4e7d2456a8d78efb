"""No verb overwrites the data file of its run: each output that a person names is checked before any work."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_cli.config import EvaluateConfig, ExportConfig, PredictConfig, ReportConfig, TrainConfig
from lstm_cli.errors import UsageError
from lstm_cli.events import ignore_events
from lstm_cli.steps import dry_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.export import export
from lstm_cli.steps.predict import predict
from lstm_cli.steps.report import report
from lstm_cli.steps.train.find_lr import find_lr

Call = Callable[[Path, str], object]


def predict_to(run: Path, file: str) -> object:
    return predict(run, None, PredictConfig(output=file), ignore_events)


def plot_predict(run: Path, file: str) -> object:
    return predict(run, None, PredictConfig(output=f"{file}.csv", plot=file), ignore_events)


def tabulate(run: Path, file: str) -> object:
    return evaluate(run, EvaluateConfig(forecasts=file), ignore_events)


def plot_scores(run: Path, file: str) -> object:
    return evaluate(run, EvaluateConfig(plot=file), ignore_events)


def copy_scores(run: Path, file: str) -> object:
    return evaluate(run, EvaluateConfig(output=str(Path(file).parent)), ignore_events)


def plan(run: Path, file: str) -> object:
    return dry_run.plan_evaluate(run, EvaluateConfig(forecasts=file), force=False)


CALLS: list[tuple[str, Call]] = [
    ("panel.csv", predict_to),
    ("panel", plot_predict),
    ("panel.csv", tabulate),
    ("panel", plot_scores),
    ("per_step.csv", copy_scores),
    ("panel.csv", plan),
    ("panel.csv", lambda run, file: dry_run.plan_predict(run, None, PredictConfig(output=file))),
    ("panel.html", lambda run, file: report(run, ReportConfig(output=file), ignore_events)),
    ("panel.onnx", lambda run, file: export(run, ExportConfig(to="onnx", output=file), ignore_events)),
    ("panel.png", lambda run, file: find_lr(run, TrainConfig(), file, ignore_events)),
]


@pytest.mark.parametrize(("name", "call"), CALLS)
def test_the_data_file_of_the_run_is_not_overwritten(
    scored: Path, panel: Path, tmp_path: Path, name: str, call: Call
) -> None:
    data = Path(shutil.copy(panel, tmp_path / name))  # the same content, which counts as the data file
    manifest = (scored / "run.json").read_bytes()
    with pytest.raises(UsageError, match="is a data file of the run"):
        call(scored, str(data))
    assert data.read_bytes() == panel.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (scored / "run.json").read_bytes() == manifest
