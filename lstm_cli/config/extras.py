"""Packages that a plain install does not hold, asked for by the option that needs them."""

from importlib.util import find_spec

from lstm_cli.errors import UsageError


def require_extra(flag: str, extra: str, *packages: str) -> None:
    """Raise UsageError, with the line that installs it, unless every package of the extra is there; loads none."""
    missing = [package for package in packages or (extra,) if find_spec(package) is None]
    if missing:
        raise UsageError(
            f"{flag} needs {' and '.join(missing)}, which a plain install does not hold",
            hint=f"pip install 'lstm-cli[{extra}]'",
        )
