"""The structure of docs/explanation/design.md: levels, folder sizes, no import cycle, heavy imports, nothing that unpickles."""

import ast
import importlib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "lstm_cli"

# A package imports only from levels below its own; packages of one level do not know each other. A folder without a
# level of its own has that of the folder it lies in. Files of the package's own folder stand by their names.
LEVELS = {
    "cli": 14,
    "steps": 13,
    "steps/shared": 12,
    "training": 11,
    "export": 11,
    "inference": 10,
    "evaluation": 9,
    "data/forecast": 8,
    "data/build": 7,
    "data/quality": 6,
    "models": 6,
    "data/grid": 5,
    "linear": 5,
    "data/reading": 4,
    "data/dataset": 4,
    "data/times": 3,
    "rundir": 3,
    "config": 3,
    "data": 2,
    "plots": 2,
    "interrupts": 2,
    "os_errors": 2,
    "system_memory": 2,
    "rules": 2,
    "errors": 1,
    "events": 1,
    "findings": 0,
    "lazy_imports": 0,
    "library_errors": 0,
    "runtime_environment": 0,
    "text": 0,
}
# `python -m lstm_cli`, the version, which anyone may read, and `from lstm_cli.data import load_windows` for notebooks.
DOORS = {"__init__", "__main__", "data/__init__"}
MOST_MODULES = 13  # of one folder, `__init__.py` not counted
ONE_FILE_A_VERB = {"cli/commands", "cli/render", "config", "steps"}  # may have more

ANYWHERE, IN_FUNCTIONS = "anywhere", "in functions"
# Who may import what, and where in the file. A package or file that is not named may not at all.
HEAVY: dict[str, dict[str, str]] = {
    "torch": {
        "models": ANYWHERE,
        "training": ANYWHERE,
        "export": ANYWHERE,
        "steps/train/save_model": IN_FUNCTIONS,
        "evaluation/torch_forecaster": IN_FUNCTIONS,
        "cli/progress/tensorboard": IN_FUNCTIONS,
    },
    "safetensors": {
        "export": ANYWHERE,
        "steps/train/save_model": IN_FUNCTIONS,
        "steps/train/checkpointing": IN_FUNCTIONS,
        "inference/trained_model": IN_FUNCTIONS,
    },
    "keras": {"export": IN_FUNCTIONS},  # an extra
    "onnx": {"export": ANYWHERE, "inference": IN_FUNCTIONS},
    "onnxscript": {"export": ANYWHERE},
    "onnxruntime": {"inference": IN_FUNCTIONS},
    "matplotlib": {"plots": ANYWHERE},
    "rich": {"cli": ANYWHERE},
    "typer": {"cli": ANYWHERE},
    "pyarrow": {"data/reading": IN_FUNCTIONS, "data/forecast/output": IN_FUNCTIONS},
    "tomli_w": {"steps/show_config": IN_FUNCTIONS},
    "threadpoolctl": {"linear": IN_FUNCTIONS},
    "joblib": {"steps": IN_FUNCTIONS},
    "pandas": {},  # reading and grids are NumPy; tests compare with it
    # Scalers are computed in NumPy; tests compare with it.
    "sklearn": {"steps/tune/samplers": IN_FUNCTIONS},
    "optuna": {"steps/tune/optuna_sampler": IN_FUNCTIONS},
    "distributed": {"steps/tune/dask_backend": IN_FUNCTIONS},
    "tensorboard": {},  # torch.utils.tensorboard writes for it
    "wandb": {"cli/progress/wandb": IN_FUNCTIONS},
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


def place_of(path: Path) -> str:
    """Return where a file lies in the package, without its ending: `data/times/parse`."""
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def package_of(module: str) -> str | None:
    """Return the longest entry of LEVELS that a module such as `data/times/parse` belongs to."""
    parts = module.split("/")
    names = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in LEVELS), None)


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
    if module.split(".")[0] != "lstm_cli":
        return [module]
    named = [f"{module}.{alias.name}" for alias in node.names]
    return [name if module == "lstm_cli" or _file_of(name) else module for name in named]


def _file_of(module: str) -> Path | None:
    """Return the file of a module of ours; None where there is none."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def all_imports() -> list[Import]:
    return [found for path, tree in sources() for found in imports_of(path, tree)]


def goes_up(found: Import) -> bool:
    """Return whether an import goes to a package of the same level or of a higher one."""
    parts = found.module.split(".")
    if parts[0] != "lstm_cli" or len(parts) == 1:
        return False
    here, there = place_of(found.path), "/".join(parts[1:])
    if there.startswith("__"):  # the version
        return False
    if here in DOORS:
        return here == "__init__" or (here == "__main__" and parts[1] != "cli")
    mine, other = package_of(here), package_of(there)
    return mine != other and (mine is None or other is None or LEVELS[other] >= LEVELS[mine])


def graph() -> dict[str, set[str]]:
    """Return which of our modules imports which, those for typing only too."""
    edges: dict[str, set[str]] = {place_of(path): set() for path, _ in sources()}
    for found in all_imports():
        file = _file_of(found.module) if found.module.startswith("lstm_cli.") else None
        if file is not None and place_of(file) != place_of(found.path):
            edges[place_of(found.path)].add(place_of(file))
    return edges


def cycles(edges: Mapping[str, set[str]]) -> list[str]:
    """Return the modules that lie on a cycle: what is left when modules without imports, and without importers, go."""
    left = {module: set(others) for module, others in edges.items()}
    while True:
        imported = set().union(*left.values()) if left else set()
        ends = {module for module, others in left.items() if not others or module not in imported}
        if not ends:
            return sorted(left)
        left = {module: others - ends for module, others in left.items() if module not in ends}


def is_too_heavy(found: Import) -> bool:
    """Whether a heavy library is imported where it must not be, or too early there."""
    allowed = HEAVY.get(found.module.split(".")[0])
    if allowed is None or found.typing_only:
        return False
    parts = place_of(found.path).split("/")
    names = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    where = next((allowed[name] for name in names if name in allowed), None)
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


def test_every_file_has_a_level():
    assert [place for path, _ in sources() if not package_of(place := place_of(path))] == [
        "__init__",
        "__main__",
    ]


def test_imports_go_down():
    assert [str(found) for found in all_imports() if goes_up(found)] == []


def test_no_import_cycle():
    assert cycles(graph()) == []


def test_a_cycle_is_seen():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]
    assert cycles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_folder_is_crowded():
    folders = {path.parent for path, _ in sources()}
    counts = {
        folder.relative_to(PACKAGE).as_posix(): sum(path.stem != "__init__" for path in folder.glob("*.py"))
        for folder in folders
    }
    assert {name: count for name, count in counts.items() if count > MOST_MODULES}.keys() <= ONE_FILE_A_VERB


def test_heavy_libraries_stand_where_they_may():
    assert [str(found) for found in all_imports() if is_too_heavy(found)] == []


def test_nothing_in_the_source_unpickles():
    assert [place for path, tree in sources() for place in runs_code(path, tree)] == []


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("from lstm_cli.steps.train import train", "training/loop/fit.py"),
        ("from ...steps import train", "training/loop/fit.py"),
        ("from lstm_cli import steps", "data/reading/table.py"),
        ("def f():\n    import lstm_cli.cli.app", "steps/predict.py"),
        ("from lstm_cli.inference.session import open_session", "models/segment_lstm.py"),
        ("from lstm_cli.data.times.frequency import Step", "rundir/writer.py"),
        ("from lstm_cli.data.reading.table import Table", "data/dataset/windows.py"),
        ("from lstm_cli.steps.predict import predict", "steps/shared/report_json.py"),
        ("from lstm_cli.events import Warned", "errors.py"),
        ("if TYPE_CHECKING:\n    from lstm_cli.cli import app", "steps/predict.py"),
    ],
)
def test_an_import_that_goes_up_is_seen(source, at):
    assert [goes_up(found) for found in written(source, at=at)] == [True]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("from lstm_cli.data.times.frequency import Step", "steps/predict.py"),
        ("from lstm_cli.steps.shared.report_json import plain", "steps/predict.py"),
        ("from .segment_lstm import SegmentNetwork", "models/registry.py"),
        ("from lstm_cli import __version__", "rundir/manifest.py"),
        ("import numpy", "errors.py"),
    ],
)
def test_an_import_that_goes_down_is_allowed(source, at):
    assert [goes_up(found) for found in written(source, at=at)] == [False]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("import torch", "steps/train/fit_and_commit.py"),
        ("def f():\n    import torch", "steps/predict.py"),
        ("def f():\n    from torch import nn", "inference/session.py"),
        ("import pyarrow.parquet as pq", "data/reading/parquet.py"),
        ("def f():\n    import pandas", "data/reading/table.py"),
        ("import matplotlib.pyplot as plt", "steps/evaluate/backtest.py"),
        ("from rich.console import Console", "steps/evaluate/backtest.py"),
        ("from sklearn.preprocessing import StandardScaler", "data/dataset/scaling.py"),
        ("def f():\n    import torch", "linear/ensemble.py"),
        ("from threadpoolctl import threadpool_limits", "linear/ensemble.py"),
        ("class A:\n    import torch", "steps/train/validate.py"),
    ],
)
def test_a_heavy_import_in_the_wrong_place_is_seen(source, at):
    assert [is_too_heavy(found) for found in written(source, at=at)] == [True]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("import torch", "models/segment_lstm.py"),
        ("import torch", "training/loop/fit.py"),
        ("def f():\n    import torch", "steps/train/save_model.py"),
        ("def f():\n    import pyarrow as pa", "data/reading/parquet.py"),
        ("if TYPE_CHECKING:\n    import pyarrow as pa", "data/reading/parquet.py"),
        ("import typer", "cli/options.py"),
        ("import typer", "cli/commands/train.py"),
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
    assert len(runs_code(PACKAGE / "data" / "dataset" / "load.py", ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source", ["np.load(path, allow_pickle=False)", "json.load(file)", "yaml.safe_load(text)"]
)
def test_what_runs_no_code_is_allowed(source):
    assert runs_code(PACKAGE / "data" / "dataset" / "load.py", ast.parse(source)) == []


@pytest.mark.parametrize("package", ["lstm_cli.config", "lstm_cli.rundir"])
def test_a_package_that_loads_when_asked_has_all_that_it_names(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name).__class__ is not types.ModuleType, name
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        module.absent  # noqa: B018
