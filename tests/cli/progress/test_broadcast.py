"""Tests of --tensorboard and --wandb, which read the logs back with these programs."""

import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fake_steps
import numpy as np
import pytest
from PIL import Image
from small_run import prepare
from wandb_file import read_about, read_offline_run

from lstm_cli.cli.progress.broadcast import BroadcastListener, with_loggers
from lstm_cli.cli.progress.tensorboard import TensorBoardLog
from lstm_cli.errors import ForeignFolder, MissingArtifact
from lstm_cli.events import (
    EpochEnded,
    Event,
    ModelScored,
    Note,
    PlotDrawn,
    WeightsRecorded,
    ignore_events,
    is_wanted,
)


def _png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (width, height)).save(file, "PNG")
    return file.getvalue()


PNG = _png(7, 5)
USED = {"model": "segment", "hidden": [8, 4], "lr": 0.002, "epochs": 3, "refit": True, "max": "none"}


def epoch(number: int, *, part: str = "free", val_loss: float | None = 0.5) -> EpochEnded:
    return EpochEnded(
        part=part,
        epoch=number,
        epochs=2,
        step=100 * number,
        train_loss=0.25 / number if number else None,
        val_loss=val_loss,
        best=False,
        lr=1e-3,
        grad_norm=0.125 if number else None,
        seconds=1.5,
    )


def events() -> list[Event]:
    weights = {"gate.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}
    return [
        Note(text="training on cpu"),
        epoch(0),
        epoch(1),
        WeightsRecorded(part="free", epoch=1, step=100, validated=True, weights=weights),
        epoch(1, val_loss=None),
        PlotDrawn(name="forecasts", png=PNG),
        ModelScored(settings=USED, scores={"mase": 0.75, "mae_scaled": None}),
    ]


def test_tensorboard_reads_the_event_files(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = TensorBoardLog(tmp_path / "logs")
    for event in events():
        log(event)
    log.close()
    (folder,) = (tmp_path / "logs").iterdir()
    assert {path.name for path in folder.iterdir()} == {"free", "free-refit", "model"}

    def opened(name: str) -> EventAccumulator:
        return EventAccumulator(str(folder / name)).Reload()

    free = opened("free")
    assert set(free.Tags()["scalars"]) == {"loss/train", "loss/validation", "learning rate", "gradient norm"}
    assert [(one.step, one.value) for one in free.Scalars("loss/train")] == [(100, 0.25)]
    assert [(one.step, one.value) for one in free.Scalars("loss/validation")] == [(0, 0.5), (100, 0.5)]
    assert free.Scalars("gradient norm")[0].value == 0.125
    (seen,) = free.Histograms("weights/gate.weight")
    value = seen.histogram_value
    assert (seen.step, value.min, value.max, value.num, value.sum) == (100, 0.0, 5.0, 6.0, 15.0)
    assert sum(value.bucket) == 6
    assert "loss/validation" not in opened("free-refit").Tags()["scalars"]
    (image,) = opened("model").Images("forecasts")
    assert image.encoded_image_string == PNG
    assert (image.width, image.height) == (7, 5)
    assert opened("model").Tags()["scalars"] == ["validation/mase"]
    assert opened("model").Scalars("validation/mase")[0].value == 0.75


def test_tensorboard_shows_the_training_in_hparams(tmp_path: Path) -> None:
    """Settings and scores of two trainings, as the tab HPARAMS lists them."""
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    for name in ("one", "two"):
        log = TensorBoardLog(tmp_path / name)
        for event in events():
            log(event)
        log.close()
    runs = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    sessions = runs.PluginRunToTagToContent("hparams")
    assert {name.split("/")[0] for name in sessions} == {"one", "two"}
    for name, content in sessions.items():
        assert name.endswith("/model")
        start = HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info
        shown = {key: getattr(value, value.WhichOneof("kind")) for key, value in start.hparams.items()}
        assert shown == USED | {"hidden": "8,4"}
        experiment = HParamsPluginData.FromString(content["_hparams_/experiment"]).experiment
        assert [metric.name.tag for metric in experiment.metric_infos] == ["validation/mase"]
        assert runs.Tensors(name, "validation/mase")[0].tensor_proto.float_val == [0.75]


WANDB = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_broadcast import events
from lstm_cli.cli.progress.wandb import WandbLog
given = {{"model": "segment", "hidden": (8,), "lr": None, "epochs": None}}
log = WandbLog(Path("run/logs"), name="load segment", config=given)
for event in events():
    log(event)
log.close()
import os
assert "WANDB_MODE" not in os.environ
"""


def test_wandb_writes_only_an_offline_run_in_its_folder(tmp_path: Path) -> None:
    """W&B does not connect to its server, and the home and temporary folders stay empty."""
    for name in ("home", "tmp", "run/logs"):
        (tmp_path / name).mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path / "tmp"),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "WANDB_BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
            "WANDB_API_KEY": "0" * 40,
        }
        done = subprocess.run(
            [sys.executable, "-c", WANDB.format(tests=str(Path(__file__).parents[1]))],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name for path in tmp_path.iterdir()} == {"home", "tmp", "run"}
    assert list((tmp_path / "home").rglob("*")) == []
    assert [path for path in (tmp_path / "tmp").rglob("*") if path.is_file()] == []
    (written,) = (tmp_path / "run" / "logs" / "wandb").glob("offline-run-*/run-*.wandb")
    logged = read_offline_run(written)
    assert logged["free/loss/train"] == "0.25"
    assert logged["free/loss/validation"] == "0.5"
    assert logged["free/learning rate"] == "0.001"
    assert logged["free-refit/step"] == "100"
    assert logged["free/weights/gate.weight._type"] == '"histogram"'
    assert logged["forecasts._type"] == '"image-file"'
    assert read_about(written) == ("load segment", USED, {"validation/mase": 0.75})
    (picture,) = written.parent.glob("files/media/images/forecasts*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_on_demand_event_reaches_only_listeners_that_want_it() -> None:
    plain: list[Event] = []
    watchers: list[Event] = []

    class Watcher:
        wants = frozenset({WeightsRecorded})

        def __call__(self, event: Event) -> None:
            watchers.append(event)

    together = BroadcastListener(listeners=(plain.append, Watcher()))
    assert is_wanted(together, WeightsRecorded)
    assert not is_wanted(together, PlotDrawn)
    assert not is_wanted(plain.append, WeightsRecorded)
    for event in events():
        together(event)
    assert [type(event).__name__ for event in plain] == ["Note", "EpochEnded", "EpochEnded", "EpochEnded"]
    assert len(watchers) == len(plain) + 1


def test_events_of_parallel_networks_are_serialized() -> None:
    inside, max_inside = [0], [0]

    def listener(event: Event) -> None:
        inside[0] += 1
        max_inside[0] = max(max_inside[0], inside[0])
        sum(range(2000))
        inside[0] -= 1

    together = BroadcastListener(listeners=(listener,))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(together, [epoch(number % 2) for number in range(200)]))
    assert max_inside[0] == 1


def test_no_log_without_a_run(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    for name, error in (("absent", MissingArtifact), ("mine", ForeignFolder)):
        with (
            pytest.raises(error),
            with_loggers(ignore_events, tmp_path / name, tensorboard=True, wandb=True, config={}),
        ):
            pass
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "notes.txt"]


@pytest.mark.parametrize("linked", ["logs", "logs/{extra}"])
@pytest.mark.parametrize("extra", ["tensorboard", "wandb"])
def test_a_logs_link_outside_the_run_is_refused(
    lstm: Callable[..., tuple[int, str, str]], tmp_path: Path, extra: str, linked: str
) -> None:
    run = tmp_path / "run"
    prepare(run)
    (tmp_path / "elsewhere").mkdir()
    link = run / linked.format(extra=extra)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "elsewhere")
    code, out, err = lstm("train", str(run), f"--{extra}")
    assert (code, out) == (4, "")
    assert err == f"error: {link} is not a folder of the run\nhint: move it away\n"
    assert fake_steps.calls == []
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("extra", ["tensorboard", "wandb"])
def test_a_missing_extra_prints_its_pip_command(
    lstm: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    monkeypatch.setattr("lstm_cli.config.extras.find_spec", lambda name: None)
    bounds = {"tensorboard": "tensorboard>=2.17", "wandb": "wandb>=0.18"}
    code, out, err = lstm("train", "run", f"--{extra}")
    assert (code, out) == (2, "")
    assert err == (
        f"error: --{extra} needs {extra}, which is not installed\nhint: pip install '{bounds[extra]}'\n"
    )
