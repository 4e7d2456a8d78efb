"""Tests of errors for packages that are not installed, and of their pip command."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

from lstm_cli.config import extras
from lstm_cli.config.extras import distribution_name, missing_module_error, require_installed
from lstm_cli.errors import UsageError

ROOT = Path(__file__).parents[2]


def dependencies() -> dict[str, str]:
    """Return each dependency of pyproject.toml with its lower bound, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {line.partition(">=")[0]: line for line in project["dependencies"]}


def light() -> list[str]:
    text = (ROOT / "requirements-light.txt").read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_light_requirements_have_the_bounds_of_pyproject() -> None:
    assert light()
    assert [line for line in light() if line not in dependencies().values()] == []


def test_the_light_requirements_are_what_forecasting_needs() -> None:
    assert {line.partition(">=")[0] for line in light()} == set(map(distribution_name, extras.FORECASTING))


def test_every_imported_module_is_a_dependency() -> None:
    """Otherwise a missing package would be reported as a bug."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = [
        line for name, lines in project["optional-dependencies"].items() if name != "dev" for line in lines
    ]
    known = {line.partition(">=")[0] for line in (*project["dependencies"], *optional)}
    imported = set()
    for path in (ROOT / "lstm_cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"lstm_cli"}
    foreign -= {"PIL"}  # Pillow comes with matplotlib, which uses it for images
    foreign -= {"IPython"}  # imported only where it runs
    assert {"sklearn", "torch"} <= foreign
    assert {distribution_name(module) for module in foreign} - known == set()


def test_all_missing_packages_are_in_one_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "joblib", None)
    bounds = {line.partition(">=")[0]: line for line in requires("lstm-cli") or []}  # as pip has installed it
    with pytest.raises(UsageError) as refused:
        require_installed("lstm tune", "joblib", "numpy", "sklearn")
    assert refused.value.message == "lstm tune needs joblib and scikit-learn, which are not installed"
    assert refused.value.hint == f"pip install '{bounds['joblib']}' '{bounds['scikit-learn']}'"


def test_installed_packages_raise_no_error() -> None:
    require_installed("lstm tune", "numpy", "sklearn")


def test_without_metadata_the_pip_command_has_no_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setattr(extras, "PROJECT", "lstm-cli-that-nobody-installed")
    with pytest.raises(UsageError) as refused:
        require_installed("lstm tune", "sklearn")
    assert refused.value.hint == "pip install 'scikit-learn'"


def missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named '{name}'", name=name)


def test_a_missing_module_also_names_related_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = missing_module_error(missing("torch.nn"), "lstm train")
    assert result is not None
    assert result.message == "lstm train needs onnx and torch, which are not installed"


@pytest.mark.parametrize("name", ["yaml", "lstm_cli.absent", "torch.absent", ""])
def test_an_unknown_module_or_submodule_is_a_bug(name: str) -> None:
    assert missing_module_error(missing(name), "lstm train") is None


def test_check_prepare_predict_and_score_need_only_the_light_requirements(tmp_path: Path) -> None:
    """Other dependencies are blocked in a new process; `make test-light` makes a real light install."""
    blocked = [name for name in dependencies().values() if name not in light()]
    modules = {distribution: module for module, distribution in extras.DISTRIBUTIONS.items()}
    names = [modules.get(name, name) for name in (line.partition(">=")[0] for line in blocked)]
    assert "torch" in names
    rows = (ROOT / "sample_data" / "ETTh1.csv").read_text().splitlines()[:301]
    (tmp_path / "load.csv").write_text("\n".join(rows) + "\n")
    program = (
        "import sys\n"
        "blocked, run = sys.argv[1].split(','), sys.argv[2]\n"
        "sys.modules |= dict.fromkeys(blocked)\n"
        "from lstm_cli.cli.main import run as lstm\n"
        "assert lstm(['check', 'load.csv', '--target', 'OT', '--json']) == 0\n"
        "assert lstm(['prepare', 'load.csv', 'run', '--target', 'OT', '--json']) == 0\n"
        "assert lstm(['predict', run, '-o', 'forecast.csv', '--threads', '1']) == 0\n"
        "assert lstm(['predict', run, '-o', 'forecast.csv', '--threads', '1', '--record']) == 0\n"
        "assert lstm(['score', run]) == 3\n"  # the forecast has not come true
        "assert lstm(['train', 'run']) == 2\n"
    )
    golden = shutil.copytree(ROOT / "tests" / "rundir" / "golden" / "run", tmp_path / "golden")
    done = subprocess.run(
        [sys.executable, "-c", program, ",".join(names), str(golden)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "forecast.csv").stat().st_size > 0
    error, hint = done.stderr.splitlines()[-2:]
    assert re.match(r"error: lstm train needs onnx, .* and torch, which are not installed$", error)
    assert hint.startswith("hint: pip install 'onnx>=")
