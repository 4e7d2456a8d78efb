"""Tests of `export`: the program of each format gives the forecast of the run's graph."""

import json
import shutil
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fresh_process import run_fresh
from golden_run import copy_golden_run
from small_steps import PREPARE, TRAIN, write_panel

from lstm_cli.config import ExportConfig, PredictConfig
from lstm_cli.config.export import EXPORT_FORMATS
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.data.forecast.bounds import inverse_transform
from lstm_cli.errors import ForeignFolder, MissingArtifact, OutputError, StaleArtifact, UsageError
from lstm_cli.evaluation.quantiles.intervals import Intervals
from lstm_cli.events import Event, Note, ignore_events
from lstm_cli.export.formats import FORMATS
from lstm_cli.inference.session import open_session
from lstm_cli.inference.trained_model import load_graph, load_intervals, load_model, rescale_to_model
from lstm_cli.rundir import open_run, writing
from lstm_cli.steps.dry_run import plan_export
from lstm_cli.steps.export import export
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

GRAPHS = ("onnx", "torchscript", "pt2", "keras", "h5")


@pytest.fixture(scope="module")
def stacked(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the textbook LSTM for one shop, with bounds in its graph. Tests must not change it."""
    root = tmp_path_factory.mktemp("stacked")
    lines = panel.read_text().splitlines()
    shop = root / "shop.csv"
    shop.write_text("\n".join([lines[0], *(line for line in lines if ",A," in line)]) + "\n")
    prepare(str(shop), root / "run", replace(PREPARE, series=()), ignore_events)
    settings = replace(
        TRAIN,
        model="stacked",
        hidden=(8, 6),
        bidirectional=True,
        layer_norm=True,
        log_transform="off",
        min=45.0,
    )
    train(root / "run", settings, ignore_events)
    return root / "run"


def windows_of(run: Path) -> Batch:
    opened = open_run(run)
    model = load_model(opened)
    return split_windows(rescale_to_model(load_dataset(opened), model), "test", model.lookback)[:]


def opened_by_its_own(to: str, path: Path):
    """Return the file as a function of past, future and mask."""
    if to == "onnx":
        return open_session(path.read_bytes(), threads=1)
    if to in ("keras", "h5"):
        from lstm_cli.export.keras import open_keras

        return open_keras(path.read_bytes(), ending=path.suffix)
    import torch

    model = torch.jit.load(path) if to == "torchscript" else torch.export.load(path).module()
    return lambda *inputs: model(*(torch.from_numpy(np.array(side)) for side in inputs)).numpy()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, about NumPy 2
@pytest.mark.parametrize(
    ("name", "to"),
    [("stacked", to) for to in GRAPHS] + [("trained", to) for to in ("onnx", "torchscript")],
)
def test_each_file_forecasts_real_windows_as_the_run_does(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, to: str
) -> None:
    run: Path = request.getfixturevalue(name)
    report = export(run, ExportConfig(to=to, output=str(tmp_path / FORMATS[to].file)), ignore_events)
    own = open_session(load_graph(open_run(run), "fp32")[0], threads=1)
    forecast = opened_by_its_own(to, Path(report.output))
    whole = windows_of(run)
    for size in (1, 7):
        inputs = (whole.past[:size], whole.future[:size], whole.mask[:size])
        result = forecast(*inputs)
        assert result.shape == (size, 7, 1)
        np.testing.assert_allclose(result, own(*inputs), rtol=0, atol=1e-5)
    if to == "onnx":
        assert report.difference is None
    else:
        assert report.difference is not None
        assert report.difference < 1e-5
        assert report.compared > 0


@pytest.mark.parametrize("name", ["stacked", "trained"])
def test_an_export_and_its_description_forecast_in_units_of_the_file(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    """An exported file, its JSON description and the CSV are enough for a forecast."""
    run: Path = request.getfixturevalue(name)
    report = export(run, ExportConfig(output=str(tmp_path / "m.onnx")), ignore_events)
    about = json.loads(Path(report.about).read_text())
    assert about["file"] == Path(report.output).name
    assert about["inputs"]["past"]["shape"] == ["batch", 14, 9]
    assert about["inputs"]["past"]["columns"][:3] == ["sales", "price", "promo"]
    assert about["inputs"]["future"]["columns"][0] == "promo"
    assert {tensor["dtype"] for tensor in about["inputs"].values()} == {"float32"}
    assert about["outputs"]["forecast"]["shape"] == ["batch", 7, 1]
    assert about["targets"] == ["sales"]
    assert about["times"]["step"] == "D"
    whole = windows_of(run)
    session = open_session(Path(report.output).read_bytes(), threads=1)
    scaled = session(whole.past, whole.future, whole.mask)
    opened = open_run(run)
    model = load_model(opened)
    dataset = rescale_to_model(load_dataset(opened), model)
    expected = inverse_transform(dataset, scaled, whole.series, model.bounds)
    lower = about["bounds"]["lower"]["sales"]
    for place, series in enumerate(about["series"]):
        assert series["name"] == dataset.series.names[place]
        assert (series["first"], series["last"]) == ("2024-01-01", "2024-05-09")
        mine = whole.series == place
        values = scaled[mine].astype(float) * series["scale"]["sales"] + series["center"]["sales"]
        if about["scaling"]["logs"]:
            level = np.log(series["least"]["sales"])
            values = np.where(values < level, series["least"]["sales"] * (1 + values - level), np.exp(values))
        values = np.maximum(values, lower)
        np.testing.assert_allclose(values, expected[mine])
    if name == "stacked":
        assert about["bounds"]["in_file"]
        assert lower == 45
        floor = (lower - about["series"][0]["center"]["sales"]) / about["series"][0]["scale"]["sales"]
        assert scaled.min() == pytest.approx(floor)


@pytest.mark.parametrize("planned", [False, True])
def test_a_precision_that_the_run_lacks_is_an_error_with_its_command(run: Path, planned: bool) -> None:
    """Only an int8 model is in the run of the fixture."""

    def attempt(precision: str) -> None:
        config = ExportConfig(precision=precision)
        plan_export(run, config) if planned else export(run, config, ignore_events)

    attempt("int8")
    with pytest.raises(MissingArtifact, match="has no fp16 model") as refused:
        attempt("fp16")
    assert refused.value.exit_code == 4
    assert refused.value.hint == f"run 'lstm quantize {run} --to fp16' first"
    train(run, replace(TRAIN, seed=5), ignore_events)
    with pytest.raises(StaleArtifact) as stale:
        attempt("int8")
    assert stale.value.hint == f"run 'lstm quantize {run}' again"


def test_a_run_without_a_quantized_model_names_the_command_for_the_precision(stacked: Path) -> None:
    for precision in ("int8", "fp16"):
        with pytest.raises(MissingArtifact, match="it has no quantized model") as refused:
            export(stacked, ExportConfig(precision=precision), ignore_events)
        assert refused.value.hint == f"run 'lstm quantize {stacked} --to {precision}' first"


@pytest.mark.parametrize("to", [to for to in EXPORT_FORMATS if to != "onnx"])
def test_another_precision_needs_onnx(to: str) -> None:
    with pytest.raises(
        UsageError, match=f"--precision int8 works only with --to onnx, not with {to}"
    ) as refused:
        ExportConfig(to=to, precision="int8")
    assert refused.value.exit_code == 2
    assert refused.value.flag == "--precision"


def test_a_quantized_model_is_exported_next_to_the_other_one(run: Path) -> None:
    reports = {
        precision: export(run, ExportConfig(precision=precision), ignore_events)
        for precision in ("fp32", "int8")
    }
    names = {precision: Path(report.output).name for precision, report in reports.items()}
    assert names == {"fp32": "model.onnx", "int8": "model.int8.onnx"}
    opened = open_run(run)
    for precision, report in reports.items():
        assert report.precision == precision
        assert Path(report.output).read_bytes() == load_graph(opened, precision)[0]
        about = json.loads(Path(report.about).read_text())
        assert about["precision"] == precision
        assert ("quantized" in about["made_from"]) == (precision == "int8")
    assert about["needs"]["library"] == "onnxruntime"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("to", GRAPHS)
def test_inputs_that_are_given_by_position(stacked: Path, tmp_path: Path, to: str) -> None:
    """Positions in the JSON file are those of the program that opens the file."""
    report = export(stacked, ExportConfig(to=to, output=str(tmp_path / FORMATS[to].file)), ignore_events)
    about = json.loads(Path(report.about).read_text())
    whole = windows_of(stacked)
    inputs = [getattr(whole, name)[:3] for name in about["input_order"]]
    assert list(about["inputs"]) == about["input_order"]
    path = Path(report.output)
    if to in ("keras", "h5"):
        import keras

        network = keras.models.load_model(path)
        assert [tensor.name for tensor in network.inputs] == about["input_order"]
        given = dict(zip(about["input_order"], inputs, strict=True))  # Keras refuses a list
        forecast = keras.ops.convert_to_numpy(network(given))
        assert about["needs"]["version"] == keras.__version__
    elif to == "onnx":
        import onnx

        graph = onnx.load(path)
        assert [value.name for value in graph.graph.input] == about["input_order"]
        assert about["needs"]["version"] == f"opset {graph.opset_import[0].version}"
        forecast = open_session(path.read_bytes(), threads=1)(*inputs)
    else:
        import torch

        forecast = opened_by_its_own(to, path)(*inputs)
        assert about["needs"]["version"] == torch.__version__.partition("+")[0]
    own = open_session(load_graph(open_run(stacked), "fp32")[0], threads=1)
    expected = own(whole.past[:3], whole.future[:3], whole.mask[:3])
    np.testing.assert_allclose(forecast, expected, rtol=0, atol=1e-5)


def test_the_description_has_the_example_of_a_calendar_and_the_dates_of_holidays(
    tmp_path: Path,
) -> None:
    """Holidays change the target, so that `prepare` keeps these inputs."""
    from lstm_cli.data.dataset.holiday_inputs import read_holidays

    run, lines = tmp_path / "run", ["day,y"]
    closed = set(np.array(read_holidays("DE", 2021, 2025).days, dtype="datetime64[D]"))
    for row, day in enumerate(np.arange(np.datetime64("2022-01-01"), np.datetime64("2024-05-10"))):
        lines.append(f"{day},{50 + row % 7 - 30 * (day in closed) + 37 * row % 101 / 100}")
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n")
    settings = replace(PREPARE, target=("y",), past=(), future=(), series=(), holidays=("DE",))
    prepare(str(tmp_path / "data.csv"), run, settings, ignore_events)
    report = export(run, ExportConfig(to="npz"), ignore_events)
    about = json.loads(Path(report.about).read_text())
    example = about["calendar_inputs"]["example"]
    assert example["time"] == about["series"][0]["last"] == "2024-05-09"
    thursday, ninth, may = 3 / 7, 8 / 31, 4 / 12
    expected = {
        f"{part}_{side}": pytest.approx(0.5 * getattr(np, side)(2 * np.pi * share), abs=1e-6)
        for part, share in (("weekday", thursday), ("monthday", ninth), ("month", may))
        for side in ("sin", "cos")
    }
    assert example["values"] == expected
    (germany,) = about["holiday_inputs"]
    assert list(germany["columns"]) == about["holidays"]
    assert {"2024-05-01", "2024-05-09", "2024-12-25"} <= set(germany["dates"])


def test_a_run_of_the_last_release_has_symmetric_intervals(tmp_path: Path) -> None:
    """Numbers in the JSON file are those of the run, and the formula is that of its intervals."""
    golden = copy_golden_run(tmp_path / "run")
    report = export(golden, ExportConfig(output=str(tmp_path / "m.onnx")), ignore_events)
    fitted = json.loads(Path(report.about).read_text())["intervals"]
    intervals = load_intervals(open_run(golden))
    assert isinstance(intervals, Intervals)
    assert "ends" in fitted["formulas"]
    assert fitted["floor"] == intervals.floor.tolist()
    for level, half in zip(fitted["levels"], intervals.half, strict=True):
        assert fitted["half"][level] == half.tolist()
    assert "network" not in fitted


def test_weights_are_the_runs_own(stacked: Path, tmp_path: Path) -> None:
    from lstm_cli.export.load_network import load_network

    output = tmp_path / "w.safetensors"
    report = export(stacked, ExportConfig(to="safetensors", output=str(output)), ignore_events)
    about = json.loads(Path(report.about).read_text())
    assert (about["bounds"]["in_file"], about["bounds"]["reason"]) == (False, "the file has no graph")
    assert report.bounds == "the file has no graph"
    network = load_network(about["model"]["name"], about["model"]["settings"], output.read_bytes())
    assert (
        sum(value.numel() for value in network.parameters())
        == open_run(stacked).report("train")["parameters"]
    )


def test_windows_match_the_model_and_their_size_is_announced(trained: Path, tmp_path: Path) -> None:
    events: list[Event] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            events.append(event)
            assert not output.exists()

    output = tmp_path / "w.npz"
    report = export(trained, ExportConfig(to="npz", output=str(output)), listen)
    (note,) = events
    assert isinstance(note, Note)
    assert note.text == "writing windows of 14 steps (train 142, val 14, test 40): 0.2 MB"
    about = json.loads((tmp_path / "w.npz.json").read_text())
    whole = windows_of(trained)
    with np.load(output, allow_pickle=False) as arrays:
        assert {name: list(array.shape) for name, array in arrays.items()} == {
            name: array["shape"] for name, array in about["arrays"].items()
        }
        np.testing.assert_array_equal(arrays["X_test"], whole.past)
        np.testing.assert_array_equal(arrays["y_test"], whole.target)
    assert report.shapes["X_train"] == [142, 14, 9]
    assert about["lookback"] == 14


@pytest.mark.parametrize("to", EXPORT_FORMATS)
def test_a_run_without_a_model_has_windows_and_nothing_else(panel: Path, tmp_path: Path, to: str) -> None:
    run = tmp_path / "run"
    prepare(str(panel), run, PREPARE, ignore_events)
    if to == "npz":
        assert export(run, ExportConfig(to=to), ignore_events).model is None
        return
    with pytest.raises(MissingArtifact, match="has no trained model") as refused:
        export(run, ExportConfig(to=to), ignore_events)
    assert refused.value.hint == f"run 'lstm train {run}' first"
    assert not (run / "exports").exists()


def test_a_stale_model_is_refused_with_the_command_that_renews_it(run: Path, tmp_path: Path) -> None:
    prepare(str(write_panel(tmp_path / "newer.csv", seed=1)), run, PREPARE, ignore_events)
    for to in ("onnx", "npz"):
        with pytest.raises(StaleArtifact) as refused:
            export(run, ExportConfig(to=to), ignore_events)
        assert refused.value.hint == f"run 'lstm train {run}' again"


def test_what_keras_cannot_hold_is_refused_before_anything_is_written(run: Path) -> None:
    for to in ("keras", "h5"):
        with pytest.raises(UsageError, match="does not support the model 'segment'"):
            export(run, ExportConfig(to=to), ignore_events)
    assert not (run / "exports").exists()


def test_a_missing_extra_is_an_error_with_its_pip_command(
    stacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match="--to keras needs h5py, which is not installed") as refused:
        export(stacked, ExportConfig(to="keras"), ignore_events)
    assert refused.value.hint == "pip install 'h5py>=3.11'"


def test_a_bad_place_is_refused_before_the_work(run: Path, tmp_path: Path) -> None:
    (tmp_path / "taken.onnx").mkdir()
    (tmp_path / "occupied.onnx.json").mkdir()
    refused = [
        (tmp_path / "none" / "model.onnx", OutputError, "folder not found"),
        (tmp_path / "taken.onnx", UsageError, "is a folder"),
        (tmp_path / "occupied.onnx", UsageError, r"occupied\.onnx\.json is a folder"),
        (run / "model.onnx", UsageError, "is in the run directory"),
        (tmp_path / "model.pt2", UsageError, r"does not end in \.onnx"),
    ]
    for path, kind, words in refused:
        with pytest.raises(kind, match=words):
            export(run, ExportConfig(output=str(path)), ignore_events)
    (run / "exports").symlink_to(tmp_path)
    with pytest.raises(ForeignFolder, match="exports is not a folder of the run"):
        export(run, ExportConfig(), ignore_events)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_full_disk_is_an_error_before_the_export(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1))
    with pytest.raises(OutputError, match=r"not enough disk space \(0\.2 MB needed, 0\.0 MB free\)"):
        export(run, ExportConfig(to="npz"), ignore_events)
    assert list((run / "exports").iterdir()) == []


def test_exports_are_never_read_and_the_run_stays_as_it_was(run: Path) -> None:
    before = (run / "run.json").read_bytes()
    with writing(run, step="train"):  # another process trains: a snapshot is exported all the same
        report = export(run, ExportConfig(), ignore_events)
    first = Path(report.output).read_bytes()
    for path in (run / "exports").iterdir():
        path.write_bytes(b"not what it was")
    assert predict(run, None, PredictConfig(output=str(run.parent / "f.csv")), ignore_events).rows == 14
    assert Path(export(run, ExportConfig(), ignore_events).output).read_bytes() == first
    assert (run / "run.json").read_bytes() == before
    assert sorted(path.name for path in (run / "exports").iterdir()) == ["model.onnx", "model.onnx.json"]


def test_what_the_run_holds_already_is_exported_without_torch(run: Path) -> None:
    code, loaded, _ = run_fresh("export", str(run), "--json")
    assert code == 0
    assert not loaded & {"torch", "keras", "onnx", "onnxruntime", "pandas"}


def test_a_missing_keras_backend_is_an_error(stacked: Path) -> None:
    code, _, done = run_fresh("export", str(stacked), "--to", "keras", KERAS_BACKEND="tensorflow")
    assert code == 2
    assert "error: Keras cannot start with KERAS_BACKEND=tensorflow: " in done.stderr
    assert "set KERAS_BACKEND=torch" in done.stderr
