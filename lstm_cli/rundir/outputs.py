"""Checks of the outputs outside a run, such as `predict -o FILE`: all verbs refuse the same ones before any work."""

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from lstm_cli.errors import LstmError, OutputError, UsageError
from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir.filesystem import is_device
from lstm_cli.rundir.layout import EXPORTS
from lstm_cli.rundir.open import open_run
from lstm_cli.rundir.status import is_unchanged


def check_output(
    path: Path | str,
    *,
    run: Path | str | None = None,
    sources: Sequence[Path | str | None] = (),
    exported: bool = False,
    flag: str = "-o",
) -> None:
    """Raise an error if an output cannot be written or must not be written. Nothing is written.

    Args:
        path: Output file.
        run: Run directory, which must not contain the output. Its data files must not be overwritten.
        sources: Input files, which must not be overwritten; None or `-` is not a file.
        exported: True allows an output in `exports/` of the run.
        flag: Option that names the output.

    Raises:
        UsageError: the output is a folder, an input file, a data file of the run, or in the run directory.
        OutputError: its folder is not found, or the system does not allow writing.
    """
    path = Path(path)
    elsewhere = f"name another file with {flag}"
    with as_output_error(path):
        if is_device(path):
            return
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise UsageError(f"the output {path} is a folder", hint=f"name a file in it with {flag}")
        parent = target.parent
        if not parent.is_dir():
            hint = f"mkdir -p {shlex.quote(str(parent))}"
            raise OutputError(f"cannot write {path}: folder not found: {parent}", hint=hint)
        if any(_is_same(target, source) for source in sources if source is not None):
            raise UsageError(f"the output {path} is the input file itself", hint=elsewhere)
        if run is not None and _is_within(target, run, exported=exported):
            raise UsageError(f"the output {path} is in the run directory {run}", hint=elsewhere)
        if run is not None and target.is_file() and _is_data_file(target, Path(run)):
            raise UsageError(f"the output {path} is a data file of the run {run}", hint=elsewhere)
        refused = target if target.exists() and not os.access(target, os.W_OK) else parent
        if not os.access(refused, os.W_OK):
            raise OutputError(f"cannot write {path}: {refused} is read-only", hint=elsewhere)


def check_output_folder(
    folder: Path | str, names: Iterable[str], *, run: Path | str, flag: str = "-o"
) -> None:
    """Raise an error if files cannot be written or must not be written into a folder. Nothing is written.

    The folder and its parents may be missing, because `replace_files` makes them.

    Args:
        folder: Output folder.
        names: Names of the files to write.
        run: Run directory, which must not contain the folder.
        flag: Option that names the folder.

    Raises:
        UsageError: the folder is a file or in the run directory, or one of the names is a folder.
        OutputError: the system does not allow writing.
    """
    target = Path(os.path.realpath(folder))
    with as_output_error(folder):
        if _is_within(target, run, exported=False):
            raise UsageError(
                f"the output {folder} is in the run directory {run}",
                hint=f"name another folder with {flag}",
            )
        if target.is_dir():
            for name in names:
                check_output(Path(folder) / name, run=run, flag=flag)
            return
        if os.path.lexists(target):
            raise UsageError(f"the output {folder} is a file", hint=f"name a folder with {flag}")
        existing = next(parent for parent in target.parents if os.path.lexists(parent))
        if not existing.is_dir():
            raise OutputError(
                f"cannot write {folder}: {existing} is not a folder", hint=f"name another folder with {flag}"
            )
        if not os.access(existing, os.W_OK | os.X_OK):
            raise OutputError(
                f"cannot write {folder}: {existing} is read-only", hint=f"name another folder with {flag}"
            )


def _is_within(target: Path, run: Path | str, *, exported: bool) -> bool:
    """Return whether `target` is in the run. With `exported`, files in `exports/` do not count."""
    root = Path(os.path.realpath(run))
    return target.is_relative_to(root) and not (exported and target.is_relative_to(root / EXPORTS))


def _is_same(target: Path, source: Path | str) -> bool:
    if str(source) == "-":
        return False
    source = Path(source)
    return target.exists() and source.exists() and target.samefile(source)


def _is_data_file(target: Path, run: Path) -> bool:
    """Return whether an existing file is one that `prepare` read for the run, by its path or by its content.

    A file of several is known by its content only. Its content is read only if the size is the recorded one.
    """
    try:
        with open_run(run) as opened:
            entry = opened.steps.get("prepare")
    except LstmError:  # the step reports it
        return False
    if entry is None:
        return False
    facts, path = list(entry["read"].values()), entry["report"].get("source")
    if (
        len(facts) < 2 and isinstance(path, str) and _is_same(target, path)
    ):  # several have no path in run.json
        return True
    return any(is_unchanged(str(target), fact) for fact in facts)
