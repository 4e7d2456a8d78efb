"""Tests of the structure in docs/explanation/design.md: levels, sizes, import cycles, heavy imports."""

import ast
import importlib
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "lstm_cli"
DESIGN = PACKAGE.parent / "docs" / "explanation" / "design.md"

# A package imports only from lower levels. Packages of the same level do not import each other. A folder that is not
# listed has the level of its parent. Files of the top folder are listed by name.
LEVELS = {
    "api": 16,
    "cli": 16,
    "serving": 15,
    "steps": 14,
    "steps/shared": 13,
    "training": 12,
    "export": 12,
    "monitoring": 12,
    "inference": 11,
    "reporting": 11,
    "evaluation": 10,
    "data/forecast": 9,
    "data/build": 8,
    "data/quality": 7,
    "models": 7,
    "data/grid": 6,
    "linear": 6,
    "sequences": 6,
    "text": 6,
    "tasks": 5,
    "data/reading": 5,
    "data/dataset": 5,
    "data/frequency": 4,
    "data/times": 3,
    "data/numbers": 3,
    "rundir": 3,
    "config": 3,
    "data": 2,
    "plots": 2,
    "interrupts": 2,
    "os_errors": 2,
    "system_memory": 2,
    "time_zones": 2,
    "rules": 2,
    "errors": 1,
    "events": 1,
    "findings": 0,
    "lazy_imports": 0,
    "library_errors": 0,
    "runtime_environment": 0,
    "wording": 0,
}
# `python -m lstm_cli`, the names of the Python API, and `from lstm_cli.data import load_windows`.
ENTRY_POINTS = {"__init__", "__main__", "data/__init__"}
DATA_OF_TASKS = {"data", "sequences", "text"}
MAX_MODULES = 13  # per folder, without `__init__.py`
ONE_FILE_PER_VERB = {"cli/commands", "cli/render", "config", "steps"}  # no limit

ANYWHERE, IN_FUNCTIONS = "anywhere", "in functions"
# Heavy libraries: the packages and files that can import them, and where in the file.
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
        "steps/train/task_training": IN_FUNCTIONS,
        "steps/train/sequence_start": IN_FUNCTIONS,
        "steps/train/warm_start": IN_FUNCTIONS,
        "inference/trained_model": IN_FUNCTIONS,
    },
    "keras": {"export": IN_FUNCTIONS},  # an extra
    "onnx": {"export": ANYWHERE, "inference": IN_FUNCTIONS},
    "onnxscript": {},  # used by tests only
    "onnxruntime": {"inference": IN_FUNCTIONS},
    "matplotlib": {"plots": ANYWHERE},
    "rich": {"cli": ANYWHERE},
    "typer": {"cli": ANYWHERE},
    "pyarrow": {
        "data/reading": IN_FUNCTIONS,
        "data/forecast": IN_FUNCTIONS,
        "steps/predict/sequences/table": IN_FUNCTIONS,
    },
    "IPython": {"api/notebook": IN_FUNCTIONS},  # never a dependency
    "tomli_w": {"steps/show_config": IN_FUNCTIONS},
    "scipy": {"linear": IN_FUNCTIONS, "training/sequences": IN_FUNCTIONS},
    "threadpoolctl": {"linear": IN_FUNCTIONS},
    "joblib": {"steps": IN_FUNCTIONS},
    "pandas": {"data/grid/resample": IN_FUNCTIONS},
    "sklearn": {"steps/tune/samplers": IN_FUNCTIONS, "training/sequences": IN_FUNCTIONS},
    "tokenizers": {"text": IN_FUNCTIONS},
    "optuna": {"steps/tune/optuna_sampler": IN_FUNCTIONS},
    "plotille": {"plots/terminal": IN_FUNCTIONS},
    "distributed": {"steps/tune/dask_backend": IN_FUNCTIONS},
    "tensorboard": {},  # used through torch.utils.tensorboard
    "wandb": {"cli/progress/wandb": IN_FUNCTIONS},
    "uvicorn": {"serving/http": ANYWHERE},
    "uvloop": {"serving/http": ANYWHERE},
    "httptools": {},  # used through uvicorn
    "prometheus_client": {"serving/http": IN_FUNCTIONS},
    "orjson": {"serving/model": IN_FUNCTIONS},
    "click": {},  # only the public API of Typer is used
}
UNSAFE_MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
UNSAFE_CALLS = {
    "dist.all_gather_object",  # unpickles what other processes send
    "dist.broadcast_object_list",
    "joblib.load",
    "joblib.dump",
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.unsafe_load",
}
NUMPY_LOADS = {"np.load", "numpy.load"}


@dataclass(frozen=True, kw_only=True)
class Import:
    """Import of a module."""

    path: Path
    line: int
    module: str  # absolute, dotted
    typing_only: bool  # under `if TYPE_CHECKING`
    in_function: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(PACKAGE.parent)}:{self.line} imports {self.module}"


def module_path(path: Path) -> str:
    """Return the path of a file in the package without its ending: `data/times/parse`."""
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def package_of(module: str) -> str | None:
    """Return the longest entry of LEVELS that a module such as `data/times/parse` belongs to."""
    parts = module.split("/")
    names = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in LEVELS), None)


@cache
def package_sources() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple(
        (path, ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
        for path in sorted(PACKAGE.rglob("*.py"))
    )


def find_imports(path: Path, tree: ast.Module) -> Iterator[Import]:
    """Yield all imports of a file as absolute names. Inside our package, `from a import b` counts as `a.b`."""

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
    """Return the file of a module of our package, or None if it does not exist."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def all_imports() -> list[Import]:
    return [imported for path, tree in package_sources() for imported in find_imports(path, tree)]


def is_upward_import(imported: Import) -> bool:
    """Return whether an import is of a package of the same or a higher level."""
    parts = imported.module.split(".")
    if parts[0] != "lstm_cli" or len(parts) == 1:
        return False
    source, target = module_path(imported.path), "/".join(parts[1:])
    if target.startswith("__"):  # the version
        return False
    if source in ENTRY_POINTS:
        if source == "__init__":  # its names load their modules late
            return not (imported.typing_only or imported.in_function)
        return source == "__main__" and parts[1] != "cli"
    own, other = package_of(source), package_of(target)
    return own != other and (own is None or other is None or LEVELS[other] >= LEVELS[own])


def import_graph() -> dict[str, set[str]]:
    """Return the import graph of our modules, including imports for typing only."""
    edges: dict[str, set[str]] = {module_path(path): set() for path, _ in package_sources()}
    for imported in all_imports():
        file = _file_of(imported.module) if imported.module.startswith("lstm_cli.") else None
        if file is not None and module_path(file) != module_path(imported.path):
            edges[module_path(imported.path)].add(module_path(file))
    return edges


def find_cycles(edges: Mapping[str, set[str]]) -> list[str]:
    """Return the modules on a cycle, by repeatedly removing modules without imports or importers."""
    remaining = {module: set(others) for module, others in edges.items()}
    while True:
        imported = set().union(*remaining.values()) if remaining else set()
        ends = {module for module, others in remaining.items() if not others or module not in imported}
        if not ends:
            return sorted(remaining)
        remaining = {module: others - ends for module, others in remaining.items() if module not in ends}


def is_too_heavy(imported: Import) -> bool:
    """Return whether a heavy library is imported in a wrong package, or outside a function."""
    allowed = HEAVY.get(imported.module.split(".")[0])
    if allowed is None or imported.typing_only:
        return False
    parts = module_path(imported.path).split("/")
    names = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    where = next((allowed[name] for name in names if name in allowed), None)
    return where is None or (where == IN_FUNCTIONS and not imported.in_function)


def find_unsafe_calls(path: Path, tree: ast.Module) -> list[str]:
    """Return the locations in a file where reading data could run code."""
    locations = [
        (imported.line, imported.module)
        for imported in find_imports(path, tree)
        if imported.module.split(".")[0] in UNSAFE_MODULES and not imported.typing_only
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            locations += [
                (node.lineno, f"{node.module}.{alias.name}")
                for alias in node.names
                if f"{node.module}.{alias.name}" in UNSAFE_CALLS | NUMPY_LOADS
            ]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in UNSAFE_CALLS or called in {"eval", "exec", "__import__"}:
            locations.append((node.lineno, called))
        allow = [word for word in node.keywords if word.arg == "allow_pickle"]
        refused = bool(allow) and isinstance(allow[0].value, ast.Constant) and allow[0].value.value is False
        if (called in NUMPY_LOADS or allow) and not refused:
            locations.append((node.lineno, f"{called} without allow_pickle=False"))
    return [f"{path.name}:{line} {call}" for line, call in locations]


def parse_imports(source: str, *, at: str) -> list[Import]:
    """Return the imports of source code, as if it were in this file of the package."""
    return list(find_imports(PACKAGE / at, ast.parse(source)))


def tree_of_the_page() -> Iterator[tuple[str, int | None]]:
    """Yield the folders and files of the tree in docs/explanation/design.md, with the level that it shows."""
    parents: list[str] = []
    for line in DESIGN.read_text(encoding="utf-8").partition("```text\nlstm_cli/")[2].splitlines():
        if line == "```":
            return
        if found := re.match(r"((?:│   )*)[├└]── (.+?)  +(?:(\d+)  |[^\d\s])", line):
            depth, names = len(found[1]) // 4, re.findall(r"[\w/]+", found[2].replace(".py", ""))
            level = int(found[3]) if found[3] else None
            yield from ((("".join(parents[:depth]) + name).rstrip("/"), level) for name in names)
            parents[depth:] = [names[-1]]


def test_all_files_have_a_level():
    assert [name for path, _ in package_sources() if not package_of(name := module_path(path))] == [
        "__init__",
        "__main__",
    ]


def test_the_tree_of_the_page_is_that_of_the_code():
    named = dict(tree_of_the_page())
    files = {module_path(path) for path, _ in package_sources() if path.parent == PACKAGE} - ENTRY_POINTS
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path, _ in package_sources()} - {"."}
    assert named.keys() == files | folders
    assert {name: level for name, level in named.items() if level is not None} == LEVELS


def test_imports_are_of_lower_levels():
    assert [str(imported) for imported in all_imports() if is_upward_import(imported)] == []


def test_the_data_of_a_task_do_not_know_those_of_another():
    foreign = [
        str(imported)
        for imported in all_imports()
        if (own := module_path(imported.path).split("/")[0]) in DATA_OF_TASKS
        and imported.module.startswith(tuple(f"lstm_cli.{name}." for name in DATA_OF_TASKS - {own}))
    ]
    assert foreign == []


def test_no_import_cycle():
    assert find_cycles(import_graph()) == []


def test_a_cycle_is_detected():
    assert find_cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]
    assert find_cycles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_folder_has_too_many_modules():
    folders = {path.parent for path, _ in package_sources()}
    counts = {
        folder.relative_to(PACKAGE).as_posix(): sum(path.stem != "__init__" for path in folder.glob("*.py"))
        for folder in folders
    }
    assert {name: count for name, count in counts.items() if count > MAX_MODULES}.keys() <= ONE_FILE_PER_VERB


def test_heavy_libraries_are_only_imported_where_allowed():
    assert [str(imported) for imported in all_imports() if is_too_heavy(imported)] == []


def test_the_source_has_no_unsafe_calls():
    assert [call for path, tree in package_sources() for call in find_unsafe_calls(path, tree)] == []


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("from lstm_cli.steps.train import train", "training/loop/fit.py"),
        ("from ...steps import train", "training/loop/fit.py"),
        ("from lstm_cli import steps", "data/reading/table.py"),
        ("def f():\n    import lstm_cli.cli.app", "steps/predict.py"),
        ("from lstm_cli.inference.session import open_session", "models/segment_lstm.py"),
        ("from lstm_cli.data.frequency.step import Step", "rundir/writer.py"),
        ("from lstm_cli.data.reading.table import Table", "data/dataset/windows.py"),
        ("from lstm_cli.steps.predict import predict", "steps/shared/report_json.py"),
        ("from lstm_cli.events import WarningRaised", "errors.py"),
        ("if TYPE_CHECKING:\n    from lstm_cli.cli import app", "steps/predict.py"),
    ],
)
def test_an_import_of_a_higher_level_is_detected(source, at):
    assert [is_upward_import(imported) for imported in parse_imports(source, at=at)] == [True]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("from lstm_cli.data.frequency.step import Step", "steps/predict.py"),
        ("from lstm_cli.steps.shared.report_json import plain", "steps/predict.py"),
        ("from .segment_lstm import SegmentNetwork", "models/registry.py"),
        ("from lstm_cli import __version__", "rundir/manifest.py"),
        ("import numpy", "errors.py"),
    ],
)
def test_an_import_of_a_lower_level_is_allowed(source, at):
    assert [is_upward_import(imported) for imported in parse_imports(source, at=at)] == [False]


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
        ("import uvicorn", "serving/serve.py"),
    ],
)
def test_a_heavy_import_in_a_wrong_file_is_detected(source, at):
    assert [is_too_heavy(imported) for imported in parse_imports(source, at=at)] == [True]


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("import torch", "models/segment_lstm.py"),
        ("import torch", "training/loop/fit.py"),
        ("def f():\n    import torch", "steps/train/save_model.py"),
        ("def f():\n    import pyarrow as pa", "data/reading/parquet.py"),
        ("if TYPE_CHECKING:\n    import pyarrow as pa", "data/reading/parquet.py"),
        ("import uvicorn", "serving/http/server.py"),
        ("import typer", "cli/options.py"),
        ("import typer", "cli/commands/train.py"),
    ],
)
def test_a_heavy_import_in_an_allowed_file_is_accepted(source, at):
    assert [is_too_heavy(imported) for imported in parse_imports(source, at=at)] == [False]


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import cloudpickle",
        "joblib.load(path)",
        "from joblib import load",
        "torch.load(path, weights_only=True)",
        "dist.broadcast_object_list(objects, 0)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=value)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "yaml.load(text)",
        "eval(text)",
    ],
)
def test_unsafe_calls_are_detected(source):
    assert len(find_unsafe_calls(PACKAGE / "data" / "dataset" / "load.py", ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source", ["np.load(path, allow_pickle=False)", "json.load(file)", "yaml.safe_load(text)"]
)
def test_safe_calls_are_accepted(source):
    assert find_unsafe_calls(PACKAGE / "data" / "dataset" / "load.py", ast.parse(source)) == []


@pytest.mark.parametrize("package", ["lstm_cli.config", "lstm_cli.rundir"])
def test_a_lazy_package_has_all_its_public_names(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name).__class__ is not types.ModuleType, name
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        module.absent  # noqa: B018
