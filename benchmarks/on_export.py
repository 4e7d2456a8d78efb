"""CPU seconds, size and speed of our ONNX graph, compared with the graph of torch's exporter."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import timing
import torch
from command import Notebook, lstm
from torch import nn

from lstm_cli.export.load_network import load_network
from lstm_cli.export.onnx import export_onnx
from lstm_cli.inference.session import open_session
from lstm_cli.rundir import open_run

ROOT = Path(__file__).parents[1]
ROWS = 3_000  # first rows of the sample data
WINDOWS = (1, 32, 1_024)
CALLS = 2_048  # windows of a repetition


def run(notebook: Notebook, repetitions: int) -> None:
    """Print a row for each model.

    Args:
        notebook: printer of the rows.
        repetitions: timed runs of each side.
    """
    sys.path.append(str(ROOT / "tests" / "export" / "graph"))
    from traced_graph import trace_graph

    notebook.say("\n## The ONNX graph, compared with the traced one, on one thread\n")
    notebook.head(
        "model", "CPU s", "its CPU s", "size", "nodes", *(f"batch {windows}" for windows in WINDOWS)
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.csv"
        lines = (ROOT / "sample_data" / "ETTh1.csv").read_text().splitlines(keepends=True)
        data.write_text("".join(lines[: 1 + ROWS]))
        for model in ("segment", "stacked"):
            with notebook.attempt(model):
                run_dir = f"{folder}/{model}"
                lstm("prepare", str(data), run_dir, "--target", "OT", "--horizon", "24")
                lstm("train", run_dir, "--model", model, "--epochs", "1")
                one_model(notebook, run_dir, trace_graph, repetitions)


def one_model(notebook: Notebook, run_dir: str, trace_graph: Callable[..., bytes], repetitions: int) -> None:
    """Print one row.

    Args:
        notebook: printer of the row.
        run_dir: run directory with a model.
        trace_graph: exporter of torch.
        repetitions: timed runs of each side.
    """
    torch.set_num_threads(1)
    network, settings = trained_network(run_dir)
    shape = {"inputs": settings["inputs"], "known_ahead": settings["known_ahead"]}
    graphs, seconds = [], []
    for export in (export_onnx, trace_graph):
        began = time.process_time()
        graphs.append(export(network, **shape, lower=None, upper=None))
        seconds.append(time.process_time() - began)
    size = len(graphs[0]) / len(graphs[1])
    nodes = [len(onnx.load_model_from_string(graph).graph.node) for graph in graphs]
    times = [
        timing.ratio(*timing.in_turn(forecasts(graphs, settings, windows), repetitions).values())
        for windows in WINDOWS
    ]
    notebook.row(settings["name"], *seconds, size, f"{nodes[0]} of {nodes[1]}", *times)
    notebook.keep(
        table="export", model=settings["name"], seconds=seconds, size=size, nodes=nodes, times=times
    )


def trained_network(run_dir: str) -> tuple[nn.Module, dict]:
    with open_run(Path(run_dir)) as opened:
        reader = opened.artifact("model")
        model = json.loads(reader.bytes("model.json"))
        network = load_network(model["name"], model["settings"], reader.bytes("weights.safetensors"))
    return network, {"name": model["name"]} | model["settings"]


def forecasts(graphs: list[bytes], settings: dict, windows: int) -> dict[str, Callable[[], float]]:
    """Return a function per graph that forecasts random windows and returns the CPU seconds."""
    random = np.random.default_rng(0)
    lookback, horizon = settings["lookback"], settings["horizon"]
    past = random.normal(size=(windows, lookback, settings["inputs"])).astype(np.float32)
    future = random.normal(size=(windows, horizon, settings["known_ahead"])).astype(np.float32)
    mask = np.ones((windows, lookback), np.float32)

    def side(graph: bytes) -> Callable[[], float]:
        session = open_session(graph, threads=1)

        def forecast() -> float:
            began = time.process_time()
            for _ in range(CALLS // windows):
                session(past, future, mask)
            return time.process_time() - began

        return forecast

    return {name: side(graph) for name, graph in zip(("own", "traced"), graphs, strict=True)}
