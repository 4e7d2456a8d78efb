"""Command lines in new processes, and the packages that they load."""

import json
import os
import subprocess
import sys
from pathlib import Path

# Runs a command line and prints its imports on the last line of stderr.
DRIVER = """
import json, sys
from lstm_cli.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def run_fresh(
    *argv: str, cwd: Path | None = None, **environ: str
) -> tuple[int, set[str], subprocess.CompletedProcess[str]]:
    """Return the exit code of a command line, the packages that it loaded, and its streams."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *argv],
        cwd=cwd,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=1200,
        check=True,
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    return code, set(loaded), done
