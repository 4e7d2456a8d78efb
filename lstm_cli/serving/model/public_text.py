"""Errors and warnings without paths of the machine."""

from dataclasses import replace

from lstm_cli.errors import LstmError
from lstm_cli.findings import Finding


def remove_path(error: LstmError, path: str, name: str) -> None:
    """Put the name of the run in place of its path in the texts of an error.

    Args:
        error: error of the model.
        path: absolute path of the run.
        name: name of the run.
    """
    error.message, error.hint = error.message.replace(path, name), error.hint.replace(path, name)
    error.args = (error.message,)


def public_finding(finding: Finding, path: str, name: str) -> Finding:
    """Return a finding whose text has the name of the run in place of its path.

    Args:
        finding: finding of the model.
        path: absolute path of the run.
        name: name of the run.
    """
    source = finding.source.replace(path, name) if finding.source is not None else None
    return replace(finding, text=finding.text.replace(path, name), source=source)
