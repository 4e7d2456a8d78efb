"""Packages that this installation lacks: those of an extra, and those that the light install leaves out."""

from collections.abc import Iterable
from importlib.util import find_spec

from lstm_cli.errors import UsageError

PROJECT = "lstm-cli"
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "tomli_w": "tomli-w",
}  # by module, if pip knows the package by another name

# Modules that are needed together, so that one pip command installs them all.
FORECASTING = ("numpy", "onnxruntime", "rich", "tomli_w", "typer")  # requirements-light.txt
TRAINING = ("onnx", "onnxscript", "safetensors", "threadpoolctl", "torch")
SEARCH = (*TRAINING, "joblib", "matplotlib", "sklearn")
SCORING = ("matplotlib", "safetensors")


def require_installed(subject: str, *modules: str) -> None:
    """Raise UsageError, with the pip command that installs them, unless every module is there; load none.

    subject: the command, option or file that needs them.
    """
    missing = _missing(modules)
    if missing:
        raise _not_installed(subject, missing)


def missing_module_error(error: ModuleNotFoundError, subject: str) -> UsageError | None:
    """Return the error of a dependency that is not installed; None if another module is missing: that is a bug."""
    module = (error.name or "").partition(".")[0]
    if distribution_name(module) not in _requirements() or find_spec(module) is not None:
        return None
    together = next((group for group in (FORECASTING, TRAINING) if module in group), (module,))
    return _not_installed(subject, _missing(together))


def distribution_name(module: str) -> str:
    """Return the name that pip knows a module by."""
    return DISTRIBUTIONS.get(module, module)


def _missing(modules: Iterable[str]) -> list[str]:
    return [module for module in modules if find_spec(module) is None]


def _not_installed(subject: str, modules: list[str]) -> UsageError:
    names = [distribution_name(module) for module in modules]
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    bounded = _requirements()
    packages = " ".join(f"'{bounded.get(name, name)}'" for name in names)
    verb = "are" if others else "is"
    return UsageError(f"{subject} needs {listed}, which {verb} not installed", hint=f"pip install {packages}")


def _requirements() -> dict[str, str]:
    """Return every dependency and extra by name, with its lower bound: torch>=2.10.

    Empty if lstm itself was not installed, but only lies on the path.
    """
    from importlib.metadata import PackageNotFoundError, requires  # loads email and more: 20 ms

    try:
        lines = requires(PROJECT) or []
    except PackageNotFoundError:
        return {}
    bounded = [line.partition(";")[0].strip() for line in lines]
    return {line.partition(">=")[0]: line for line in bounded}
