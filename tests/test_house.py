"""The house of docs/design.md: imports run downward, heavy ones stand where they may, nothing unpickles."""

import ast
import importlib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "lstm_cli"

# A room imports only from floors below its own; the rooms of one floor do not know each other.
FLOORS = {
    "cli": 7,
    "steps": 6,
    "training": 5,
    "export": 5,
    "pictures": 5,
    "models": 4,
    "runtime": 4,
    "scoring": 4,
    "calibration": 4,
    "baseline_season": 4,
    "uncertainty": 4,
    "shipped": 4,
    "gates": 4,
    "data": 3,
    "metrics": 3,
    "linear": 3,
    "baselines": 3,
    "intervals": 3,
    "coverage": 3,
    "rundir": 2,
    "config": 1,
    "memory": 1,
    "errors": 0,
    "lazily": 0,
    "events": 0,
}
# The two files of the package's own folder: its version, which anyone may read, and `python -m lstm_cli`.
DOORS = {"__init__", "__main__"}
# The linear forecast is fitted on windows, which stand on its own floor; this is the one way between neighbours.
BETWEEN_NEIGHBOURS = {("linear", "data"), ("coverage", "intervals")}

ANYWHERE, IN_FUNCTIONS = "anywhere", "in functions"
# Who may import what, and where in the file. A room or file that is not named may not at all.
HEAVY: dict[str, dict[str, str]] = {
    "torch": {
        "models": ANYWHERE,
        "training": ANYWHERE,
        "export": ANYWHERE,
        "steps/shipping": IN_FUNCTIONS,
        "steps/forecaster": IN_FUNCTIONS,
    },
    "safetensors": {
        "export": ANYWHERE,
        "steps/shipping": IN_FUNCTIONS,
        "steps/checkpointing": IN_FUNCTIONS,
        "shipped": IN_FUNCTIONS,
    },
    "keras": {"export": IN_FUNCTIONS},  # an extra
    "onnx": {"export": ANYWHERE, "runtime": IN_FUNCTIONS},
    "onnxscript": {"export": ANYWHERE},
    "onnxruntime": {"runtime": IN_FUNCTIONS},
    "matplotlib": {"pictures": ANYWHERE},
    "rich": {"cli": ANYWHERE},
    "typer": {"cli": ANYWHERE},
    "pyarrow": {"data": IN_FUNCTIONS},
    "threadpoolctl": {"linear": IN_FUNCTIONS},
    "joblib": {"steps": IN_FUNCTIONS},
    "pandas": {},  # reading and grids are NumPy; tests compare with it
    # Scalers are computed in NumPy; tests compare with it.
    "sklearn": {"steps/proposals": IN_FUNCTIONS},
    "optuna": {"steps/bayes": IN_FUNCTIONS},
    "distributed": {"steps/on_dask": IN_FUNCTIONS},
    "tensorboard": {"cli/tensorboard": IN_FUNCTIONS},
    "wandb": {"cli/wandb": IN_FUNCTIONS},
    "click": {},  # Typer's public API only
}
CAN_RUN_CODE = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
CALLS_THAT_RUN_CODE = {
    "joblib.load",
    "joblib.dump",
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.unsafe_load",
}
READS_NUMPY = {"np.load", "numpy.load"}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported module."""

    path: Path
    line: int
    module: str  # absolute, dotted
    typing_only: bool  # under `if TYPE_CHECKING`, so it never happens
    in_function: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(PACKAGE.parent)}:{self.line} imports {self.module}"


def room_of(path: Path) -> str:
    """The room that a file belongs to: its folder, or its own name at the top."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


@cache
def sources() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple(
        (path, ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
        for path in sorted(PACKAGE.rglob("*.py"))
    )


def imports_of(path: Path, tree: ast.Module) -> Iterator[Import]:
    """Every import of a file, relative ones made absolute. `from a import b` counts as `a.b` inside our package."""

    def walk(node: ast.AST, typing_only: bool, in_function: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inner_typing = typing_only
            if isinstance(node, ast.If) and _is_type_checking(node.test) and child in node.body:
                inner_typing = True
            if isinstance(child, ast.Import | ast.ImportFrom):
                for module in _modules(path, child):
                    yield Import(
                        path=path,
                        line=child.lineno,
                        module=module,
                        typing_only=inner_typing,
                        in_function=in_function,
                    )
            inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, inner_typing, inside)

    yield from walk(tree, False, False)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _modules(path: Path, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    module = node.module or ""
    if node.level:
        package = ["lstm_cli", *path.relative_to(PACKAGE).parent.parts]
        base = package[: len(package) - node.level + 1]
        module = ".".join([*base, module] if module else base)
    if module == "lstm_cli":
        return [f"lstm_cli.{alias.name}" for alias in node.names]
    return [module]


def all_imports() -> list[Import]:
    return [found for path, tree in sources() for found in imports_of(path, tree)]


def breaks_the_floors(found: Import) -> bool:
    """Whether an import goes to a neighbour or upstairs."""
    parts = found.module.split(".")
    if parts[0] != "lstm_cli" or len(parts) == 1:
        return False
    here, there = room_of(found.path), parts[1]
    if here == there or there.startswith("__"):  # its own room; the package's version
        return False
    if here == "__main__":
        return there != "cli"
    if here == "__init__":
        return True
    return FLOORS[there] >= FLOORS[here] and (here, there) not in BETWEEN_NEIGHBOURS


def is_too_heavy(found: Import) -> bool:
    """Whether a heavy library is imported where it must not be, or too early there."""
    allowed = HEAVY.get(found.module.split(".")[0])
    if allowed is None or found.typing_only:
        return False
    inside = found.path.relative_to(PACKAGE).with_suffix("").as_posix()
    where = allowed.get(inside) or allowed.get(room_of(found.path))
    return where is None or (where == IN_FUNCTIONS and not found.in_function)


def runs_code(path: Path, tree: ast.Module) -> list[str]:
    """The places of a file that could run what it reads."""
    places = [
        (found.line, found.module)
        for found in imports_of(path, tree)
        if found.module.split(".")[0] in CAN_RUN_CODE and not found.typing_only
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            places += [
                (node.lineno, f"{node.module}.{alias.name}")
                for alias in node.names
                if f"{node.module}.{alias.name}" in CALLS_THAT_RUN_CODE | READS_NUMPY
            ]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in CALLS_THAT_RUN_CODE or called in {"eval", "exec", "__import__"}:
            places.append((node.lineno, called))
        allow = [word for word in node.keywords if word.arg == "allow_pickle"]
        refused = bool(allow) and isinstance(allow[0].value, ast.Constant) and allow[0].value.value is False
        if (called in READS_NUMPY or allow) and not refused:
            places.append((node.lineno, f"{called} without allow_pickle=False"))
    return [f"{path.name}:{line} {what}" for line, what in places]


def written(source: str, *, at: str) -> list[Import]:
    """The imports of a piece of source, as if it stood at this place of the package."""
    return list(imports_of(PACKAGE / at, ast.parse(source)))


def test_every_room_has_a_floor():
    assert {room_of(path) for path, _ in sources()} - DOORS <= set(FLOORS)


def test_imports_run_downward():
    assert [str(found) for found in all_imports() if breaks_the_floors(found)] == []


def test_no_ring_between_neighbours():
    for here, there in BETWEEN_NEIGHBOURS:
        assert FLOORS[here] == FLOORS[there], "an exception is for neighbours only, never upstairs"
        assert (there, here) not in BETWEEN_NEIGHBOURS


def test_heavy_libraries_stand_where_they_may():
    assert [str(found) for found in all_imports() if is_too_heavy(found)] == []


def test_nothing_in_the_source_unpickles():
    assert [place for path, tree in sources() for place in runs_code(path, tree)] == []


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("from lstm_cli.steps.train import train", "training/fit.py"),
        ("from ..steps import train", "training/fit.py"),
        ("from lstm_cli import steps", "data/table.py"),
        ("def f():\n    import lstm_cli.cli.app", "steps/train.py"),
        ("from lstm_cli.runtime.session import open_session", "models/segment.py"),
        ("from lstm_cli.data.grid import Step", "rundir/lock.py"),
        ("from lstm_cli.events import Warned", "errors.py"),
        ("if TYPE_CHECKING:\n    from lstm_cli.cli import app", "steps/train.py"),
    ],
)
def test_an_import_upstairs_or_next_door_is_seen(source, at):
    assert [breaks_the_floors(found) for found in written(source, at=at)] == [True]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("from lstm_cli.data.grid import Step", "steps/train.py"),
        ("from .segment import SegmentNetwork", "models/build.py"),
        ("from lstm_cli import __version__", "rundir/manifest.py"),
        ("import numpy", "errors.py"),
    ],
)
def test_an_import_downstairs_is_allowed(source, at):
    assert [breaks_the_floors(found) for found in written(source, at=at)] == [False]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("import torch", "steps/train.py"),
        ("def f():\n    import torch", "steps/predict.py"),
        ("def f():\n    from torch import nn", "runtime/session.py"),
        ("import pyarrow.parquet as pq", "data/parquet.py"),
        ("def f():\n    import pandas", "data/table.py"),
        ("import matplotlib.pyplot as plt", "steps/evaluate.py"),
        ("from rich.console import Console", "steps/evaluate.py"),
        ("from sklearn.preprocessing import StandardScaler", "data/scaling.py"),
        ("def f():\n    import torch", "linear/ensemble.py"),
        ("from threadpoolctl import threadpool_limits", "linear/ensemble.py"),
        ("class A:\n    import torch", "steps/train.py"),
    ],
)
def test_a_heavy_import_in_the_wrong_place_is_seen(source, at):
    assert [is_too_heavy(found) for found in written(source, at=at)] == [True]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("import torch", "models/segment.py"),
        ("def f():\n    import torch", "steps/shipping.py"),
        ("def f():\n    import pyarrow as pa", "data/parquet.py"),
        ("if TYPE_CHECKING:\n    import pyarrow as pa", "data/parquet.py"),
        ("import typer", "cli/options.py"),
    ],
)
def test_a_heavy_import_in_its_place_is_allowed(source, at):
    assert [is_too_heavy(found) for found in written(source, at=at)] == [False]


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import cloudpickle",
        "joblib.load(path)",
        "from joblib import load",
        "torch.load(path, weights_only=True)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=wanted)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "yaml.load(text)",
        "eval(text)",
    ],
)
def test_what_could_run_code_is_seen(source):
    assert len(runs_code(PACKAGE / "data" / "stored.py", ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source", ["np.load(path, allow_pickle=False)", "json.load(file)", "yaml.safe_load(text)"]
)
def test_what_runs_no_code_is_allowed(source):
    assert runs_code(PACKAGE / "data" / "stored.py", ast.parse(source)) == []


@pytest.mark.parametrize("package", ["lstm_cli.config", "lstm_cli.rundir"])
def test_a_package_that_loads_when_asked_has_all_that_it_names(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name).__class__ is not types.ModuleType, name
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        module.absent  # noqa: B018
