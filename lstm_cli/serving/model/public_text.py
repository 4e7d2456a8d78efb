"""Errors and warnings without paths of the machine."""

from copy import copy
from dataclasses import replace

from lstm_cli.errors import LstmError
from lstm_cli.findings import Finding


def public_error(error: LstmError, path: str, name: str) -> LstmError:
    """Return an error whose texts have the name of the run in place of its path.

    Args:
        error: error of the model.
        path: absolute path of the run.
        name: name of the run.
    """
    if path not in error.message and path not in error.hint:
        return error
    public = copy(error)
    public.message, public.hint = error.message.replace(path, name), error.hint.replace(path, name)
    public.args = (public.message,)
    public.__cause__, public.__traceback__ = error, None
    return public


def public_finding(finding: Finding, path: str, name: str) -> Finding:
    """Return a finding whose text has the name of the run in place of its path.

    Args:
        finding: finding of the model.
        path: absolute path of the run.
        name: name of the run.
    """
    source = finding.source.replace(path, name) if finding.source is not None else None
    return replace(finding, text=finding.text.replace(path, name), source=source)
