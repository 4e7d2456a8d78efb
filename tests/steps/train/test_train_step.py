import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import safetensors.numpy
from small_steps import LINEAR, PREPARE, TRAIN, model_files, write_panel

from lstm_cli.config import PredictConfig, QuantizeConfig, TrainConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import DeviceError, Interrupted, MissingArtifact, TrainingDiverged
from lstm_cli.events import Event, ModelScored, PlotDrawn, WeightsRecorded, ignore_events
from lstm_cli.inference.session import open_session
from lstm_cli.inference.trained_model import load_model, rescale_to_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train
from lstm_cli.steps.train.fit_and_commit import _findings
from lstm_cli.steps.train.validate import Scores
from lstm_cli.training.recipes.result import TrainingResult

STACKED = TrainConfig(model="stacked", hidden=(6, 4), epochs=1, threads=1)


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(run: Path) -> None:
    """Training in parallel on two threads writes the files of the shared run, which used one thread."""
    first = model_files(run)
    train(run, dataclasses.replace(TRAIN, threads=2), ignore_events, force=True)
    assert model_files(run) == first


def test_the_stacked_model_is_reproducible_and_agrees_with_torch(run: Path) -> None:
    train(run, STACKED, ignore_events)
    first = model_files(run)
    assert "validated.onnx" not in first  # the stacked model has no refit by default
    train(run, STACKED, ignore_events, force=True)
    assert model_files(run) == first
    require_agreement(run)


def test_the_stacked_model_with_all_options_trains_quantizes_and_predicts(run: Path) -> None:
    """Train, compare the graph with torch, quantize to int8, and predict."""
    everything = dataclasses.replace(
        STACKED,
        bidirectional=True,
        batch_norm=True,
        attention=2,
        head="seq2seq",
        init="orthogonal",
        forget_bias=True,
        max_norm=2.0,
        clip_value=0.5,
    )
    report = train(run, everything, ignore_events)
    assert report.to_json()["diagnosis"] == []  # one epoch is too short for a diagnosis
    require_agreement(run)
    quantize(run, QuantizeConfig(max_loss=1.0), ignore_events)
    forecast = predict(run, None, PredictConfig(output=str(run.parent / "forecast.csv")), ignore_events)
    assert (forecast.rows, forecast.precision) == (14, "int8")


def test_the_report_has_a_diagnosis_of_the_training(run: Path) -> None:
    report = train(run, dataclasses.replace(STACKED, epochs=2, lr=1e-6), ignore_events)
    (finding,) = report.to_json()["diagnosis"]
    assert (finding["part"], finding["name"]) == ("stacked", "learning rate too low")
    assert finding["advice"] == "--lr 1e-05"


def test_the_shipped_graph_agrees_with_torch_on_real_windows(run: Path) -> None:
    require_agreement(run)


def require_agreement(run: Path) -> None:
    """Compare the run's graph with torch; log transforms leave no bounds in the graphs of these tests."""
    import torch

    from lstm_cli.models.registry import build_model

    opened = open_run(run)
    stored = opened.artifact("model").json("model.json")
    network = build_model(stored["name"], stored["settings"]).eval()
    weights = safetensors.numpy.load(opened.artifact("model").bytes("weights.safetensors"))
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    dataset = rescale_to_model(load_dataset(opened), load_model(opened))
    assert dataset.scaler.log_transformed
    batch = split_windows(dataset, "test", stored["settings"]["lookback"])[:]
    with torch.no_grad():
        inputs = (torch.from_numpy(np.array(part)) for part in (batch.past, batch.future, batch.mask))
        expected = network(*inputs).numpy()
    session = open_session(opened.artifact("model").bytes("model.onnx"), threads=1)
    found = session(batch.past, batch.future, batch.mask)
    assert np.abs(found - expected).max() < 1e-4  # the targets' deviation is 1, scaled
    assert expected.std() > 0.1  # the forecasts are not constant


def test_the_history_has_each_epoch_of_each_network(run: Path) -> None:
    report = open_run(run).report("train")
    lines = open_run(run).artifact("model").bytes("history.jsonl").decode().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [(entry["part"], entry["epoch"]) for entry in entries] == [
        ("anchored", 0),
        ("anchored", 1),
        ("free", 0),
        ("free", 1),
    ]
    assert entries[1]["step"] == 100
    assert [training["name"] for training in report["trainings"]] == ["anchored", "free"]
    assert sum(training["steps"] for training in report["trainings"]) == report["steps"]
    assert entries[0]["train_loss"] is None
    assert entries[1]["grad_norm"] > 0


def test_the_report_has_parts_weights_and_reasons_of_choices(run: Path) -> None:
    report = open_run(run).report("train")
    assert report["refitted"] is True
    assert set(report["parts"]) == set(report["weights"]) >= {"linear", "anchored", "free"}
    for quarter in zip(*report["weights"].values(), strict=True):
        assert sum(quarter) == pytest.approx(1, abs=1e-3)  # rounded to four digits
        assert all(weight >= 0 for weight in quarter)
    assert set(report["choices"]) == {"logs", "covariates", "precision", "segment", "refit"}
    assert report["choices"]["logs"].startswith("on (the levels of the series differ by a factor of")
    assert report["parts"]["linear"] == pytest.approx(report["val_baselines"]["linear"], rel=1e-4)
    stored = open_run(run).artifact("model").json("model.json")["weights"]
    assert {part: len(weights) for part, weights in stored.items()} == dict.fromkeys(report["weights"], 7)


def test_training_needs_data(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifact) as missing:
        train(tmp_path / "run", TRAIN, ignore_events)
    assert "lstm prepare" in missing.value.hint
    assert not (tmp_path / "run").exists()


def test_a_missing_device_is_an_error(run: Path) -> None:
    import torch

    absent = f"cuda:{torch.cuda.device_count()}"
    before = model_files(run)
    with pytest.raises(DeviceError, match="was not found"):
        train(run, dataclasses.replace(TRAIN, device=absent), ignore_events)
    assert model_files(run) == before


def test_a_training_that_diverges_ships_nothing(run: Path) -> None:
    before = model_files(run)
    wild = dataclasses.replace(
        STACKED, lr=1e30, optimizer="sgd", clip_norm=0.0, loss="mse", schedule="constant"
    )
    with pytest.raises(TrainingDiverged, match="epoch 1"):
        train(run, wild, ignore_events)
    assert model_files(run) == before
    assert sorted(path.name for path in (run / "model").iterdir()) == ["0001"]


@pytest.mark.parametrize("weights", [{"linear": [0.7], "anchored": [0.3]}, {}], ids=["segment", "stacked"])
def test_networks_that_did_not_improve_are_reported(weights: dict[str, list[float]]) -> None:
    """Untrained networks are reported even if they are better than the linear forecast."""
    val: dict[str, Scores] = {"linear": {"mase": 1.0}, "model": {"mase": 0.9}}
    compared = {"linear": {"difference": 10.0, "interval": [5.0, 15.0]}}

    def rules(best_epoch: int) -> tuple[str, ...]:
        parts = (SimpleNamespace(best_epoch=best_epoch),)
        trained = SimpleNamespace(weights=weights, parts=parts, taken=())
        return tuple(finding.rule for finding in _findings(cast(TrainingResult, trained), val, compared))

    assert (rules(0), rules(1)) == (("M203",), ())


def test_an_interrupt_ends_training_and_ships_nothing(run: Path) -> None:
    before = model_files(run)
    with pytest.raises(Interrupted) as interrupted:
        train(run, TRAIN, ignore_events, force=True, should_stop=lambda: signal.SIGTERM)
    assert interrupted.value.exit_code == 143
    assert model_files(run) == before


def test_a_step_killed_before_its_commit_leaves_the_run_as_it_was(run: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}
    script = f"""
import os, signal, sys
from pathlib import Path
def kill(*_args, **_kwargs): os.kill(os.getpid(), signal.SIGKILL)
real = os.replace, os.rename
os.replace = os.rename = kill
from lstm_cli.config import TrainConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.train import train
train(Path({str(run)!r}), TrainConfig(parts=("linear",), refit=False, threads=1), ignore_events)
"""
    killed = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True, timeout=1200)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert {path: path.read_bytes() for path in before} == before
    left = [path for path in run.glob("model/*") if path.name != "0001"]
    assert left  # the new folder was written before the kill
    train(run, LINEAR, ignore_events)
    assert [path.name for path in run.glob("model/*") if path in left] == [] or len(
        list(run.glob("model/*"))
    ) == 1


def test_columns_that_are_not_named_do_not_matter(tmp_path: Path) -> None:
    """Values of `price` in the file have no effect without --past."""
    config = dataclasses.replace(PREPARE, past=(), future=(), calendar=False)
    weights = []
    for name in ("one", "two"):
        source = write_panel(tmp_path / f"{name}.csv", ahead=0)
        if name == "two":
            lines = source.read_text().splitlines()
            cells = [line.split(",") for line in lines[1:]]
            lines[1:] = [",".join([*row[:3], str(number), row[4]]) for number, row in enumerate(cells)]
            source.write_text("\n".join(lines) + "\n")
        prepare(str(source), tmp_path / name, config, ignore_events)
        train(tmp_path / name, LINEAR, ignore_events)
        weights.append(model_files(tmp_path / name)["weights.safetensors"])
    assert weights[0] == weights[1]


def test_a_nonnegative_target_has_nonnegative_forecasts(run: Path) -> None:
    assert any("never negative" in note for note in open_run(run).report("train")["notes"])
    bounds = open_run(run).artifact("model").json("model.json")["bounds"]
    assert bounds == {"lower": [0.0], "upper": [None], "counts": [False]}
    train(run, dataclasses.replace(LINEAR, min="none", max=500.0), ignore_events)
    assert open_run(run).artifact("model").json("model.json")["bounds"] == {
        "lower": [None],
        "upper": [500.0],
        "counts": [False],
    }


def test_test_rows_change_no_byte_of_the_model_and_validation_rows_do(tmp_path: Path) -> None:
    """Shops have 130 rows: 91 training rows, 13 validation rows and 26 test rows."""
    graphs = []
    for name, first in (("plain", None), ("test", 104), ("val", 96)):
        source = write_panel(tmp_path / f"{name}.csv")
        cells = [line.split(",") for line in source.read_text().splitlines()]
        for row, cell in enumerate(cells[1:]):
            if first is not None and first <= row % 140 < 130:
                cell[2:4] = [f"{float(cell[2]) * (1.3 + 0.1 * (row % 3)):.3f}", "9"]
        source.write_text("\n".join(",".join(row) for row in cells) + "\n")
        prepare(str(source), tmp_path / name, PREPARE, ignore_events)
        train(tmp_path / name, dataclasses.replace(LINEAR, refit=True), ignore_events)
        files = model_files(tmp_path / name)
        graphs.append((files["model.onnx"], files["validated.onnx"], files["linear.safetensors"]))
    assert graphs[0] == graphs[1]
    assert graphs[0] != graphs[2]
    assert graphs[0][2] != graphs[2][2]


def test_a_listener_can_receive_weights_and_forecasts(run: Path) -> None:
    events: list[Event] = []

    class Watcher:
        wants = frozenset({PlotDrawn, WeightsRecorded, ModelScored})

        def __call__(self, event: Event) -> None:
            events.append(event)

    report = train(run, dataclasses.replace(TRAIN, parts=("anchored",), batch_size=None, lr=None), Watcher())
    (picture,) = [event for event in events if isinstance(event, PlotDrawn)]
    assert picture.png.startswith(b"\x89PNG")
    seen = [event for event in events if isinstance(event, WeightsRecorded)]
    assert [(one.epoch, one.validated) for one in seen] == [(0, True), (1, True), (1, False)]
    (scored,) = [event for event in events if isinstance(event, ModelScored)]
    assert scored.scores == report.val
    assert None not in scored.settings.values()
    assert {field.name for field in dataclasses.fields(TRAIN)} < scored.settings.keys()
    used = {
        name: scored.settings[name] for name in ("parts", "lr", "batch_size", "epochs", "max", "lookback")
    }
    assert used == {
        "parts": ["anchored"],
        "lr": 0.001,  # of few windows, see make_hyperparameters
        "batch_size": 64,
        "epochs": 1,
        "max": "none",
        "lookback": report.reads_rows,
    }


def test_a_training_without_a_network_has_no_settings_of_one(run: Path) -> None:
    events: list[Event] = []

    class Watcher:
        wants = frozenset({ModelScored})

        def __call__(self, event: Event) -> None:
            events.append(event)

    train(run, LINEAR, Watcher())
    (scored,) = [event for event in events if isinstance(event, ModelScored)]
    assert [scored.settings[name] for name in ("lr", "epochs", "patience", "batch_size")] == ["none"] * 4


FIRST_EVENT = """
import sys
from pathlib import Path
from lstm_cli.config import TrainConfig
from lstm_cli.steps.train import train

def listen(event):
    print(event.text, "torch" in sys.modules)
    sys.exit()

train(Path(sys.argv[1]), TrainConfig(), listen, force=True)
"""


def test_the_first_note_is_sent_before_torch_is_loaded(run: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_EVENT, str(run)], capture_output=True, text=True)
    assert done.stdout == "loading torch and the data False\n"
