"""Results of `lstm prepare --json` for malformed files, in this process or (as a script) in a new one."""

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from all_malformed import cases
from malformed import Case

FILE, RUN = "f.csv", "run"


def run_case(case: Case) -> list:
    """Return exit code, stdout, stderr, and the names of files left in the folder and the temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        return run_in_folder(Path(folder), FILE, case.data, case.options)


def run_in_folder(folder: Path, source: str, data: bytes | None, options: tuple[str, ...] = ()) -> list:
    """Return the results as `run_case` does, for a source in a folder. data: written to the source if not None."""
    from lstm_cli.cli.main import run

    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    home, temporary, out, err = Path.cwd(), folder / "tmp", io.StringIO(), io.StringIO()
    temporary.mkdir()
    if data is not None:
        (folder / source).write_bytes(data)
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    try:
        os.chdir(folder)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["prepare", source, RUN, "--json", "--quiet", *options])
    finally:
        os.chdir(home)
        tempfile.tempdir = before
        for number, handler in signals.items():
            signal.signal(number, handler)
    left = sorted({path.name for path in folder.iterdir()} - {source, "tmp"})
    return [code, out.getvalue(), err.getvalue(), left + sorted(path.name for path in temporary.iterdir())]


if __name__ == "__main__":
    step = int(sys.argv[1])
    result = {case.name: run_case(case) for case in cases()[::step]}
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")
