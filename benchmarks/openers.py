"""Functions that open an export or a log with one program. They import nothing of lstm, only that program."""

import json
import os
import sys
import threading
import urllib.request
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path

import numpy as np

INPUTS = ("past", "future", "mask")
DISTRIBUTIONS = {"tensorflow": "tensorflow-cpu", "optuna_dashboard": "optuna-dashboard"}


def versions(packages: tuple[str, ...]) -> str:
    """Import packages and return their names and versions. Raises ImportError."""
    texts = []
    for name in packages:
        import_module(name)
        try:
            version = metadata.version(DISTRIBUTIONS.get(name, name))
        except metadata.PackageNotFoundError:
            version = metadata.version(name)
        texts.append(f"{name} {version}")
    return ", ".join(texts)


def _save(folder: str, forecast: Callable[[dict[str, np.ndarray]], np.ndarray]) -> None:
    with np.load(Path(folder) / "inputs.npz") as stored:
        inputs = {name: np.ascontiguousarray(stored[name], dtype=np.float32) for name in INPUTS}
    np.save(Path(folder) / "forecast.npy", forecast(inputs))


def with_onnxruntime(path: str, folder: str) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    _save(folder, lambda inputs: session.run(["forecast"], inputs)[0])


def with_openvino(path: str, folder: str) -> None:
    import openvino

    precision = os.environ.get("OPENVINO_PRECISION")
    settings = {"INFERENCE_PRECISION_HINT": precision} if precision else {}
    model = openvino.Core().compile_model(path, "CPU", settings)
    _save(folder, lambda inputs: np.array(model(inputs)["forecast"]))


def with_keras(path: str, folder: str) -> None:
    import keras

    model = keras.models.load_model(path)
    _save(folder, lambda inputs: keras.ops.convert_to_numpy(model(inputs, training=False)))


def with_torchscript(path: str, folder: str) -> None:
    import torch

    model = torch.jit.load(path)
    _save(folder, lambda inputs: model(*(torch.from_numpy(inputs[name]) for name in INPUTS)).detach().numpy())


def with_pt2(path: str, folder: str) -> None:
    import torch

    model = torch.export.load(path).module()
    _save(folder, lambda inputs: model(*(torch.from_numpy(inputs[name]) for name in INPUTS)).detach().numpy())


def _get(url: str, body: dict | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, data, {"Content-Type": "application/json"}), timeout=60
    ) as answer:
        return json.load(answer)


def read_tensorboard(folder: str) -> None:
    """Ask the server of TensorBoard for the rows of its tab HPARAMS."""
    from tensorboard import program

    board = program.TensorBoard()
    board.configure(argv=[None, "--logdir", folder, "--port", "0", "--load_fast", "false"])
    url = board.launch()
    runs = []
    while not runs:  # it reads the files in another thread
        runs = _get(f"{url}data/runs")
    experiment = _get(f"{url}data/plugin/hparams/experiment", {"experimentName": ""})
    columns = [{"metric": info["name"]} for info in experiment["metricInfos"]]
    asked = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS"],
        "colParams": columns,
        "startIndex": 0,
        "sliceSize": 10,
    }
    groups = _get(f"{url}data/plugin/hparams/session_groups", asked)["sessionGroups"]
    scores = {value["name"]["tag"]: round(value["value"], 4) for value in groups[0]["metricValues"]}
    print(f"{len(runs)} runs; HPARAMS: {len(groups)} row with {len(groups[0]['hparams'])} settings, {scores}")


def read_wandb(folder: str) -> None:
    """Read the file of an offline run with the reader of the tests, which uses the messages of W&B."""
    tests = Path(__file__).parents[1] / "tests"
    sys.path.append(str(tests / "cli" / "progress"))
    from wandb_file import read_about

    (path,) = Path(folder).glob("offline-run-*/run-*.wandb")
    name, settings, scores = read_about(path)
    scores = {key: round(value, 4) for key, value in scores.items()}
    print(
        f"run '{name}', {len(settings)} settings, {sum(value is None for value in settings.values())} null, {scores}"
    )


def _optuna_storage(place: str) -> object:
    from optuna.storages import JournalStorage, get_storage
    from optuna.storages.journal import JournalFileBackend

    return get_storage(place) if "://" in place else JournalStorage(JournalFileBackend(place))


def read_optuna(place: str) -> None:
    import optuna

    storage = _optuna_storage(place)
    (summary,) = optuna.get_all_study_summaries(storage)
    study = optuna.load_study(study_name=summary.study_name, storage=storage)
    kind = "database" if "://" in place else "journal"
    print(f"{kind}: study '{study.study_name}', {len(study.trials)} trials, objective {study.metric_names}")


def read_dashboard(place: str) -> None:
    """Ask the server of the dashboard for its studies, opened as its command opens the storage."""
    from wsgiref.simple_server import make_server

    from optuna_dashboard import wsgi
    from optuna_dashboard._storage_url import get_storage

    server = make_server("127.0.0.1", 0, wsgi(get_storage(place)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api/studies"
    (study,) = _get(url)["study_summaries"]
    detail = _get(f"{url}/{study['study_id']}?after=0")
    kind = "database" if "://" in place else "journal"
    print(
        f"{kind}: '{study['study_name']}', {len(detail['trials'])} trials, objective {detail.get('objective_names')}"
    )
    server.shutdown()
