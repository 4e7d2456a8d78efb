"""Open exports and logs with the programs that they are for, and print the largest difference to `lstm predict`.

A program that is not installed is listed as missing. Each opens its file in a process of its own, with a Python of
--python, or else with this one.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import openers
from command import CommandFailed, Notebook, lstm

from lstm_cli.inference.session import open_session

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "how-to" / "use-the-onnx-file.md"
ROWS = 2_000  # first rows of the sample data
PREPARE = (
    "--target",
    "OT",
    "--past",
    "HUFL",
    "--future",
    "HULL",
    "--calendar",
    "--horizon",
    "24",
    "--lookback",
    "96",
)
FORMATS = ("onnx", "torchscript", "pt2", "keras", "h5")
ENDINGS = {"onnx": "onnx", "torchscript": "pt", "pt2": "pt2", "keras": "keras", "h5": "h5"}


@dataclass(frozen=True, kw_only=True)
class Opener:
    """Program that opens one kind of file: a function of `openers`, called in a process of its own."""

    program: str
    function: str
    needs: tuple[str, ...]  # packages of Python
    formats: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()  # of its process


OPENERS = (
    Opener(
        program="ONNX Runtime",
        function="with_onnxruntime",
        needs=("onnxruntime",),
        formats=("onnx", "fp16", "int8"),
    ),
    Opener(
        program="OpenVINO, 32 bits",
        function="with_openvino",
        needs=("openvino",),
        formats=("onnx", "fp16", "int8"),
        environment=(("OPENVINO_PRECISION", "f32"),),
    ),
    Opener(program="OpenVINO, as it is", function="with_openvino", needs=("openvino",), formats=("onnx",)),
    *(
        Opener(
            program=f"Keras on {name}",
            function="with_keras",
            needs=("keras", "h5py", package),
            formats=("keras", "h5"),
            environment=(("KERAS_BACKEND", package), ("TF_CPP_MIN_LOG_LEVEL", "3")),
        )
        for name, package in (("TensorFlow", "tensorflow"), ("JAX", "jax"), ("torch", "torch"))
    ),
    Opener(program="torch.jit", function="with_torchscript", needs=("torch",), formats=("torchscript",)),
    Opener(program="torch.export", function="with_pt2", needs=("torch",), formats=("pt2",)),
)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Interpreters and folders of a run of this script."""

    pythons: tuple[str, ...]  # tried in this order
    node: Path | None  # folder with node_modules
    folder: Path


Environment = tuple[tuple[str, str], ...]


@cache
def find_python(
    pythons: tuple[str, ...], packages: tuple[str, ...], environment: Environment
) -> tuple[str, str] | None:
    """Return the first Python that has all packages, with their versions; None if none has.

    Args:
        pythons: interpreters.
        packages: packages to import.
        environment: variables of the process that imports them.
    """
    code = f"import openers; print(openers.versions({packages!r}))"
    for python in pythons:
        done = started([python, "-c", code], dict(environment))
        if done.returncode == 0:
            return python, done.stdout.strip().splitlines()[-1]
    return None


def started(
    command: Sequence[str], environment: dict[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess:
    paths = {"PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run(
        command, env=os.environ | paths | environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def last_line(done: subprocess.CompletedProcess) -> str:
    """Return the last line of the errors, without its end."""
    return f"{(done.stderr.strip().splitlines() or ['no error message'])[-1]:.100}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--python", action="append", default=[], help="Python with other programs (repeatable)"
    )
    parser.add_argument(
        "--node", type=lambda path: Path(path).resolve(), help="folder in which onnxruntime-node is installed"
    )
    parser.add_argument("--record", type=Path, help="file for the figures as lines of JSON")
    arguments = parser.parse_args()
    notebook = Notebook(arguments.record)
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(pythons=(*arguments.python, sys.executable), node=arguments.node, folder=Path(folder))
        missing = run(notebook, setup)
    if missing:
        notebook.say(f"\nNot installed: {', '.join(dict.fromkeys(missing))}")
    sys.exit(1 if notebook.failed else 0)


def run(notebook: Notebook, setup: Setup) -> list[str]:
    """Print the tables. Return the programs that are not installed."""
    lines = (ROOT / "sample_data" / "ETTh1.csv").read_text().splitlines(keepends=True)
    rows = [line.rstrip("\n").split(",") for line in lines[: 1 + ROWS]]
    target = rows[0].index("OT")
    for row in rows[-24:]:  # rows ahead hold the known-ahead covariate only
        row[target] = ""
    (setup.folder / "data.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    missing: list[str] = []
    notebook.say("## Exports\n")
    notebook.head("program", "model", "file", "version", "largest difference, scaled")
    for model in ("segment", "stacked"):
        with notebook.attempt(model):
            missing += open_exports(notebook, setup, model, exported(setup, model))
    notebook.say("\n## Programs of docs/how-to/use-the-onnx-file.md\n")
    notebook.head("program", "model", "version", "largest difference, relative")
    for model in ("segment", "stacked"):
        missing += run_page(notebook, setup, model)
    notebook.say("\n## Logs\n")
    notebook.head("program", "version", "read")
    return missing + open_logs(notebook, setup)


def exported(setup: Setup, model: str) -> dict[str, Path]:
    """Train a model and export it. Return the exported files by format."""
    run_dir = str(setup.folder / model)
    lstm("prepare", str(setup.folder / "data.csv"), run_dir, *PREPARE)
    logs = ("--tensorboard", "--wandb") if model == "stacked" else ()
    lstm("train", run_dir, "--model", model, "--epochs", "2", "--hidden", "16", *logs)
    files = {}
    for to in FORMATS:
        if model == "segment" and to in ("keras", "h5"):
            continue
        files[to] = setup.folder / f"{model}.{ENDINGS[to]}"
        lstm("export", run_dir, "--to", to, "-o", str(files[to]))
    lstm("predict", run_dir, "-o", str(setup.folder / f"{model}.csv"))
    for precision in ("fp16", "int8"):
        lstm("quantize", run_dir, "--to", precision, "--max-loss", "100%")
        files[precision] = setup.folder / f"{model}.{precision}.onnx"
        lstm("export", run_dir, "--precision", precision, "-o", str(files[precision]))
    lstm("export", run_dir, "--to", "npz", "-o", str(setup.folder / "windows.npz"))
    with np.load(setup.folder / "windows.npz") as windows:
        inputs = {"past": windows["X_test"], "future": windows["future_test"], "mask": windows["mask_test"]}
    np.savez(setup.folder / "inputs.npz", **inputs)
    return files


def open_exports(notebook: Notebook, setup: Setup, model: str, files: dict[str, Path]) -> list[str]:
    """Print a row for each program and file. Return the programs that are not installed."""
    with np.load(setup.folder / "inputs.npz") as inputs:
        expected = open_session(files["onnx"].read_bytes(), threads=1)(
            *(inputs[name] for name in openers.INPUTS)
        )
    missing = []
    for opener in OPENERS:
        found = find_python(setup.pythons, opener.needs, opener.environment)
        if found is None:
            missing.append(opener.program)
            continue
        python, versions = found
        for to in (to for to in opener.formats if to in files):
            output = setup.folder / "forecast.npy"
            output.unlink(missing_ok=True)
            code = f"import openers; openers.{opener.function}(*{[str(files[to]), str(setup.folder)]!r})"
            done = started([python, "-c", code], dict(opener.environment))
            result = last_line(done) if done.returncode else float(np.abs(np.load(output) - expected).max())
            shown = f"{result:.1e}" if isinstance(result, float) else f"refused: {result}"
            notebook.row(opener.program, model, files[to].name, versions, shown)
            notebook.keep(program=opener.program, model=model, format=to, versions=versions, result=result)
    return missing


def run_page(notebook: Notebook, setup: Setup, model: str) -> list[str]:
    """Print a row for each program of the page. Return the programs that are not installed."""
    page, missing = PAGE.read_text(), []
    programs = {"Python": ("python", "py"), "Node": ("js", "mjs")}
    for name, (language, ending) in programs.items():
        block = re.search(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
        assert block is not None
        folder = setup.folder if name == "Python" else setup.node
        command = [sys.executable] if name == "Python" else [shutil.which("node") or ""]
        if folder is None or not command[0]:
            missing.append("onnxruntime-node")
            continue
        program = folder / f"page.{ending}"
        program.write_text(block[1])
        with notebook.attempt(name, model):
            files = [str(setup.folder / "data.csv"), str(setup.folder / f"{model}.onnx")]
            done = started([*command, str(program), *files], {}, cwd=folder)
            if done.returncode:
                raise CommandFailed(last_line(done))
            difference = largest_difference(done.stdout, (setup.folder / f"{model}.csv").read_text())
            version = sys.version.split()[0] if name == "Python" else node_version(folder)
            notebook.row(name, model, version, f"{difference:.1e}")
            notebook.keep(program=f"page, {name}", model=model, versions=version, result=difference)
        program.unlink()
    return missing


def largest_difference(found: str, expected: str) -> float:
    """Return the largest difference between the numbers of two CSV texts, relative to their size from 1 on."""
    own, other = ([line.split(",") for line in text.splitlines()] for text in (found, expected))
    if [len(row) for row in own] != [len(row) for row in other] or own[0] != other[0]:
        raise ValueError("the tables have other columns or rows")
    pairs = [
        (float(one), float(two))
        for ours, theirs in zip(own[1:], other[1:], strict=True)
        for one, two in zip(ours, theirs, strict=True)
        if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", two)
    ]
    return max(abs(one - two) / max(1.0, abs(two)) for one, two in pairs)


def node_version(folder: Path) -> str:
    about = json.loads((folder / "node_modules" / "onnxruntime-node" / "package.json").read_text())
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"node {node}, onnxruntime-node {about['version']}"


def open_logs(notebook: Notebook, setup: Setup) -> list[str]:
    """Print a row for each program that reads a log of `stacked`. Return the programs that are not installed."""
    run_dir = setup.folder / "stacked"
    journal, database = setup.folder / "search.journal", f"sqlite:///{setup.folder / 'search.db'}"
    words = "--method bayes --trials 2 --space lr=1e-4..1e-2:log --model stacked --epochs 1 --hidden 8"
    for storage in (str(journal), database):
        shutil.rmtree(setup.folder / "searched", ignore_errors=True)
        shutil.copytree(run_dir, setup.folder / "searched")
        with notebook.attempt("lstm tune --storage"):
            lstm("tune", str(setup.folder / "searched"), *words.split(), "--storage", storage)
    readers: dict[str, tuple[tuple[str, ...], str, list[str]]] = {
        "TensorBoard": (("tensorboard",), "read_tensorboard", [str(run_dir / "logs" / "tensorboard")]),
        "W&B": (("wandb",), "read_wandb", [str(run_dir / "logs" / "wandb")]),
        "Optuna": (("optuna",), "read_optuna", [str(journal), database]),
        "Optuna's dashboard": (("optuna_dashboard",), "read_dashboard", [str(journal), database]),
    }
    missing = []
    for name, (needs, function, places) in readers.items():
        found = find_python(setup.pythons, needs, ())
        if found is None:
            missing.append(name)
            continue
        for place in places:
            done = started([found[0], "-c", f"import openers; openers.{function}({place!r})"], {})
            text = last_line(done) if done.returncode else done.stdout.strip().splitlines()[-1]
            notebook.failed += bool(done.returncode)
            notebook.row(name, found[1], text.replace(str(setup.folder), "…"))
            notebook.keep(program=name, versions=found[1], result=text)
    return missing


if __name__ == "__main__":
    main()
