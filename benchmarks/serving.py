"""Speed and memory of `lstm serve`, as ratios to other servers of the same model that run in the same minutes.

.venv/bin/python benchmarks/serving.py
make -C benchmarks peers && .venv/bin/python benchmarks/serving.py --peers benchmarks/.peers
.venv/bin/python benchmarks/serving.py --only load --run runs/demo --seconds 10

The load comes from wrk, a package of Debian and of Homebrew. Server and wrk share the cores of one machine. All servers
have one thread for the model. The servers of a table run alternately, and a ratio is the median over the repetitions.
Without --run, two LSTM layers of 64 units with a lookback of 96 are trained for two epochs on the sample data.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # of this process and the servers

import numpy as np
import servers
from command import CommandFailed, Notebook, lstm
from on_start import importing
from servers import Load, Running, ready_seconds, wrk
from speed import machine
from timing import in_turn, ratio, spent

from lstm_cli.inference.trained_model import load_graph, load_model
from lstm_cli.rundir import open_run
from lstm_cli.serving.model import CSV, ForecastQuery, ServedModel

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
PEERS = Path(__file__).with_name("peers")
TABLES = ("load", "rows", "start", "memory")
CSV_ROWS, IDLE, SEQUENCE = 336, 1_000, 100
WITHOUT_INTERVALS = ", both without intervals"  # end of the name of a row
SETTINGS = ("--model", "stacked", "--hidden", "64,64", "--epochs", "2", "--no-refit")


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="tables to print")
    parser.add_argument("--run", type=Path, help="run with a model of one target; default: train one")
    parser.add_argument("--repetitions", type=int, default=5, help="timed runs of each side")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of a run of wrk")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environments of `make peers`")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    options = parse_arguments(words)
    notebook = Notebook(options.record)
    notebook.say(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = options.run or trained(folder / "run")
        tables: dict[str, Callable[[], None]] = {
            "load": lambda: under_load(notebook, run, folder, options),
            "rows": lambda: csv_rows(notebook, run, options.repetitions),
            "start": lambda: start(notebook, run, options.repetitions),
            "memory": lambda: memory(notebook, run),
        }
        for table in options.only:
            tables[table]()
    return 1 if notebook.failed else 0


def trained(run: Path) -> Path:
    """Return a run with the model of the table."""
    lstm("prepare", str(SAMPLE), str(run), "--target", "OT", "--horizon", "24", "--lookback", "96")
    lstm("train", str(run), *SETTINGS)
    return run


def serve_command(run: Path, port: int) -> list[str]:
    """Return the command of the server of lstm, with its log of requests."""
    return [sys.executable, "-m", "lstm_cli", "serve", str(run), "--port", str(port), "--threads", "1"]


def under_load(notebook: Notebook, run: Path, folder: Path, options: argparse.Namespace) -> None:
    """Print requests per second and latencies of each server.

    Args:
        notebook: printer of the rows.
        run: run directory.
        folder: folder for bodies and models.
        options: options of the command line.
    """
    notebook.say(
        "\n## Load\n\nRequests of one window. The ratio is lstm's figure over that of the other server. "
    )
    notebook.say("CPU ms are those of one request.\n")
    notebook.head(
        "clients", "compared with", "figure", "ratio", "lstm", "the other", "CPU ms", "its CPU ms", "errors"
    )  # fmt: skip
    records = list(ServedModel.load(run, threads=1).describe().example_records)
    bodies = write_bodies(run, folder, records)
    lstm_load = Load(path="/v1/forecast", body=bodies["records"], media_type="application/json")
    points = replace(lstm_load, path="/v1/forecast?intervals=false")
    binary = Load(path="/", body=bodies["binary"], media_type="application/octet-stream")
    bare = [sys.executable, str(PEERS / "serve_bare.py")]
    batched = "uvicorn and ONNX Runtime with micro-batches, binary bodies"
    rivals = [
        *((batched + end, binary, 16, "requests/s", lambda port: [*bare, "batches", str(folder), str(port)])
          for end in ("", WITHOUT_INTERVALS)),
        ("uvicorn and ONNX Runtime without batches, binary bodies", binary, 64, "p99 ms",
         lambda port: [*bare, "single", str(folder), str(port)]),
    ]  # fmt: skip
    fastapi, mlflow = (environment(notebook, options.peers, name) for name in ("fastapi", "mlflow"))
    if fastapi is not None:
        load = Load(path="/forecast", body=bodies["records"], media_type="application/json")
        own = [fastapi, str(PEERS / "serve_fastapi.py"), str(folder)]
        for end in ("", WITHOUT_INTERVALS):
            name = f"FastAPI and pydantic{end}"
            rivals.append((name, load, 16, "requests/s", lambda port: [*own, str(port)]))
    if mlflow is not None:
        load = Load(path="/invocations", body=bodies["split"], media_type="application/json")
        model = str(folder / "mlflow")
        script = str(PEERS / "serve_mlflow.py")
        subprocess.run([mlflow, script, str(folder), model], check=True, capture_output=True)
        path = f"PATH={Path(mlflow).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
        serve = ["env", path, "mlflow", "models", "serve", "-m", model, "--env-manager", "local"]
        rivals.append(("mlflow models serve", load, 16, "requests/s", lambda port: [*serve, "-p", str(port)]))
    for name, load, clients, figure, command in rivals:
        with notebook.attempt(clients, name):
            own_load = points if name.endswith(WITHOUT_INTERVALS) else lstm_load
            compare(
                notebook, name, figure, clients, options,
                own=(own_load, lambda port: serve_command(run, port)), other=(load, command),
            )  # fmt: skip


def compare(
    notebook: Notebook,
    name: str,
    figure: str,
    clients: int,
    options: argparse.Namespace,
    *,
    own: tuple[Load, Callable[[int], list[str]]],
    other: tuple[Load, Callable[[int], list[str]]],
) -> None:
    """Print a row: two servers that get the load in turn.

    Args:
        notebook: printer of the row.
        name: name of the other server.
        figure: requests/s or p99 ms.
        clients: connections at the same time.
        options: options of the command line.
        own: load and command of lstm.
        other: load and command of the other server.
    """
    measured: dict[str, list[servers.Measured]] = {"own": [], "other": []}
    work: dict[str, list[float]] = {"own": [], "other": []}  # CPU milliseconds of a request
    with Running(own[1]) as first, Running(other[1]) as second:

        def once(side: str, server: Running, load: Load) -> float:
            before = server.cpu_seconds()
            result = wrk(server.port, load, clients=clients, seconds=options.seconds)
            spent_seconds = server.cpu_seconds() - before
            measured[side].append(result)
            work[side].append(spent_seconds * 1e3 / (result.per_second * options.seconds))
            return result.per_second if figure == "requests/s" else result.p99

        taken = in_turn(
            {"own": lambda: once("own", first, own[0]), "other": lambda: once("other", second, other[0])},
            options.repetitions,
        )
    errors = sum(result.errors for results in measured.values() for result in results)
    figures = [statistics.median(values) for values in (*taken.values(), work["own"], work["other"])]
    compared = ratio(taken["own"], taken["other"])
    notebook.row(clients, name, figure, compared, *figures, errors)
    notebook.keep(
        table="load", reference=name, figure=figure, clients=clients, errors=errors, ratio=compared,
        work_own=work["own"], work_other=work["other"], **taken,
    )  # fmt: skip


def environment(notebook: Notebook, peers: Path | None, name: str) -> str | None:
    """Return the Python of a peer, or None with a message."""
    python = None if peers is None else peers / name / "bin" / "python"
    if python is None or not python.exists():
        notebook.say(f"{name}: no environment (make -C benchmarks peers, and --peers benchmarks/.peers)")
        return None
    return str(python)


def write_bodies(run: Path, folder: Path, records: list[dict]) -> dict[str, Path]:
    """Write the graph, its facts, and a body of one window for each server."""
    with open_run(run) as opened:
        model = load_model(opened)
        graph, _ = load_graph(opened, "fp32")
    schema = model.schema
    facts = {
        "time": schema.time_columns[0],
        "target": schema.targets[0],
        "lookback": model.lookback,
        "horizon": schema.horizon,
        "center": float(model.scaler.center[0, 0]),
        "scale": float(model.scaler.scale[0, 0]),
    }
    (folder / "model.onnx").write_bytes(graph)
    (folder / "facts.json").write_text(json.dumps(facts))
    values = np.array([record[facts["target"]] for record in records])[-model.lookback :]
    split = {"columns": list(records[0]), "data": [list(record.values()) for record in records]}
    texts = {
        "records": json.dumps(records).encode(),
        "split": json.dumps({"dataframe_split": split}).encode(),
        "binary": ((values - facts["center"]) / facts["scale"]).astype(np.float32).tobytes(),
    }
    paths = {name: folder / f"{name}.body" for name in texts}
    for name, path in paths.items():
        path.write_bytes(texts[name])
    return paths


def csv_rows(notebook: Notebook, run: Path, repetitions: int) -> None:
    """Print the time of requests with CSV rows, one after another, over that of reader and model in this process.

    Args:
        notebook: printer of the row.
        run: run directory.
        repetitions: number of timed runs of each side.
    """
    notebook.say(
        f"\n## {CSV_ROWS} CSV rows\n\nRequests one after another, over reader and model in one process.\n"
    )
    notebook.head("clock", "ratio", "ms of a request", "ms of reader and model")
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    body = lines[0] + b"".join(lines[-CSV_ROWS:])
    model, query = ServedModel.load(run, threads=1), ForecastQuery()

    def inside(now: Callable[[], float]) -> float:
        began = now()
        for _ in range(SEQUENCE):
            model.forecast([model.read(body, CSV, query)])
        return (now() - began) / SEQUENCE * 1e3

    with notebook.attempt("POST /v1/forecast"), Running(lambda port: serve_command(run, port)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)

        def outside(now: Callable[[], float]) -> float:
            began = now()
            for _ in range(SEQUENCE):
                connection.request("POST", "/v1/forecast", body, {"Content-Type": CSV})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise CommandFailed(f"status {answer.status}")
            return (now() - began) / SEQUENCE * 1e3

        clocks = {
            "wall": (time.perf_counter, time.perf_counter),
            "cpu": (server.cpu_seconds, time.process_time),
        }
        for clock, (of_server, own) in clocks.items():
            taken = in_turn(
                {"own": lambda now=of_server: outside(now), "other": lambda now=own: inside(now)}, repetitions
            )
            medians = (statistics.median(values) for values in taken.values())
            compared = ratio(taken["own"], taken["other"])
            notebook.row(clock, compared, *medians)
            notebook.keep(table="rows", clock=clock, ratio=compared, **taken)


def start(notebook: Notebook, run: Path, repetitions: int) -> None:
    """Print the time from the start of the process until it is ready, over that of the imports.

    Args:
        notebook: printer of the row.
        run: run directory.
        repetitions: number of timed runs of each side.
    """
    notebook.say(
        "\n## Start\n\nUntil `/v2/health/ready` answers, over a process that imports NumPy and ONNX Runtime.\n"
    )
    notebook.head("compared with", "clock", "ratio", "seconds", "its seconds")
    for clock in ("wall", "cpu"):
        with notebook.attempt("start", clock):
            taken = in_turn(
                {
                    "own": lambda clock=clock: ready_seconds(lambda port: serve_command(run, port), clock),
                    "other": lambda clock=clock: getattr(spent(importing("runtime")), clock),
                },
                repetitions,
            )
            medians = (statistics.median(values) for values in taken.values())
            compared = ratio(taken["own"], taken["other"])
            notebook.row("`import numpy, onnxruntime`", clock, compared, *medians)
            notebook.keep(table="start", clock=clock, ratio=compared, **taken)


def memory(notebook: Notebook, run: Path) -> None:
    """Print the memory of the server at rest, and with idle connections."""
    notebook.say("\n## Memory\n")
    notebook.head("what", "RSS MiB", "PSS MiB", "private MiB")
    records = json.dumps(list(ServedModel.load(run, threads=1).describe().example_records)).encode()
    with notebook.attempt("memory"), Running(lambda port: serve_command(run, port)) as server:
        for name, count in (("ready", 0), ("after 100 requests", 100)):
            for _ in range(count):
                servers.post(server.port, "/v1/forecast", records, "application/json")
            notebook.row(name, *server.memory().values())
            notebook.keep(table="memory", what=name, **server.memory())
        with servers.idle_connections(server.port, IDLE):
            name = f"with {IDLE:,} idle connections"
            notebook.row(name, *server.memory().values())
            notebook.keep(table="memory", what=name, **server.memory())


if __name__ == "__main__":
    sys.exit(main())
