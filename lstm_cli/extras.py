"""What is installed only where it is asked for: an extra that is missing is told with the line that installs it."""

from importlib.util import find_spec

from lstm_cli.errors import UsageError

EXTRAS = {"keras": ("keras", "h5py")}  # as in pyproject.toml: what an extra brings along


def require_extra(extra: str, *, asked_by: str) -> None:
    """Raise UsageError unless what `asked_by` (a flag with its value) needs is installed. Nothing is imported."""
    for module in EXTRAS[extra]:
        if find_spec(module) is None:
            raise UsageError(
                f"{asked_by} needs {module}, which is not installed",
                hint=f"pip install 'lstm-cli[{extra}]'",
            )
