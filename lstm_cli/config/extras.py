"""Errors for packages that are not installed: those of an extra, and those that a light install omits."""

from collections.abc import Iterable
from importlib.util import find_spec

from lstm_cli.errors import UsageError

PROJECT = "lstm-cli"
DISTRIBUTIONS = {
    "prometheus_client": "prometheus-client",
    "sklearn": "scikit-learn",
    "tomli_w": "tomli-w",
}  # module: package, if the names differ

# Modules that belong together, so that one pip command installs all of them.
FORECASTING = ("numpy", "onnxruntime", "rich", "tomli_w", "typer")  # requirements-light.txt
TRAINING = ("onnx", "safetensors", "threadpoolctl", "torch")
SEARCH = (*TRAINING, "joblib", "matplotlib", "sklearn")
SCORING = ("matplotlib", "safetensors")


def require_installed(subject: str, *modules: str) -> None:
    """Raise UsageError with a pip command if a module is not installed. No module is imported.

    Args:
        subject: command, option or file that needs the modules.
        modules: names of the modules.
    """
    missing = _missing(modules)
    if missing:
        raise _not_installed(subject, missing)


def missing_module_error(error: ModuleNotFoundError, subject: str) -> UsageError | None:
    """Return the error for a dependency that is not installed; None for other modules, whose absence is a bug."""
    module = (error.name or "").partition(".")[0]
    if distribution_name(module) not in _requirements() or find_spec(module) is not None:
        return None
    modules = next((group for group in (FORECASTING, TRAINING) if module in group), (module,))
    return _not_installed(subject, _missing(modules))


def distribution_name(module: str) -> str:
    """Return the package name of a module, as pip expects it."""
    return DISTRIBUTIONS.get(module, module)


def _missing(modules: Iterable[str]) -> list[str]:
    return [module for module in modules if find_spec(module) is None]


def _not_installed(subject: str, modules: list[str]) -> UsageError:
    names = [distribution_name(module) for module in modules]
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    requirements = _requirements()
    packages = " ".join(f"'{requirements.get(name, name)}'" for name in names)
    verb = "are" if others else "is"
    return UsageError(f"{subject} needs {listed}, which {verb} not installed", hint=f"pip install {packages}")


def _requirements() -> dict[str, str]:
    """Return each dependency and extra by name, with its lower bound, e.g. torch>=2.10.

    The result is empty if lstm itself is not installed but only on the path.
    """
    from importlib.metadata import PackageNotFoundError, requires  # loads email and more: 20 ms

    try:
        lines = requires(PROJECT) or []
    except PackageNotFoundError:
        return {}
    requirements = [line.partition(";")[0].strip() for line in lines]
    return {line.partition(">=")[0]: line for line in requirements}
