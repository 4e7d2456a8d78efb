"""Server process with all imports that forks for each command, so that a trial needs no start and no imports.

It reads one JSON request per line from stdin, and writes one JSON answer per line to stdout:

    argv        the command line
    kill_after  seconds until SIGKILL, or null
    trace       options for strace, which is attached before the command starts, or null
    cwd, limit  working directory; maximum file size in bytes (ulimit -f), or null
    cached      reuse training and export of the first such request of a verb, so only writing is tested
    replaces    the challenger of `refresh` wins every comparison

    status      exit code, or -9 if it was killed
    seconds     duration
    out, err    text on stdout and stderr
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def serve() -> None:
    import onnx  # noqa: F401
    import torch

    from lstm_cli.plots import forecast  # noqa: F401
    from lstm_cli.steps import evaluate as _e  # noqa: F401
    from lstm_cli.steps import score as _s  # noqa: F401
    from lstm_cli.steps.refresh import compare
    from lstm_cli.steps.train import fit_and_commit, save_model  # noqa: F401
    from lstm_cli.training import train_model

    for name in ("matplotlib.figure", "matplotlib.font_manager", "matplotlib.backends.backend_agg"):
        import_module(name)
    import_module("onnxruntime")  # after `lstm_cli.inference`, which sets its environment variables
    torch.set_num_threads(1)
    fit_and_commit.export_graphs = _cache_first(fit_and_commit.export_graphs)
    train_model.train_model = _cache_first(train_model.train_model)
    is_better = compare.Comparison.is_better
    compare.Comparison.is_better = lambda self, margin: REPLACES or is_better(self, margin)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(**json.loads(line))), flush=True)


FIRST: dict[tuple[str, str, int], Any] = {}  # by verb, function, and number of the call in a command
CALLS: Counter[str] = Counter()  # of the current command
VERB = ""
CACHED = REPLACES = False


def _cache_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that returns the results of the first command of a verb again while CACHED is set."""

    def call(*arguments: Any, **options: Any) -> Any:
        if not CACHED:
            return function(*arguments, **options)
        CALLS[function.__name__] += 1
        key = (VERB, function.__name__, CALLS[function.__name__])
        if key not in FIRST:
            FIRST[key] = function(*arguments, **options)
        return FIRST[key]

    return call


def _answer(
    argv: list[str],
    *,
    kill_after: float | None = None,
    trace: list[str] | None = None,
    cwd: str | None = None,
    limit: int | None = None,
    cached: bool = False,
    here: bool = False,
    replaces: bool = False,
) -> dict[str, Any]:
    global CACHED, REPLACES, VERB
    CACHED, REPLACES, VERB = cached, replaces, argv[0]
    CALLS.clear()
    if here:  # in this process, so that its forks have the result
        from lstm_cli.cli.main import run

        stdout = os.dup(1)
        os.dup2(2, 1)
        code = run(argv)
        sys.stdout.flush()
        os.dup2(stdout, 1)
        return {"status": code}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            _run_forked(argv, out.fileno(), err.fileno(), cwd=cwd, limit=limit, wait=trace is not None)
        tracer = _attach_strace(pid, trace) if trace is not None else None
        began = time.monotonic()
        status = _wait(pid, kill_after)
        seconds = time.monotonic() - began
        if tracer is not None:
            tracer.wait()
        for stream in (out, err):
            stream.seek(0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "seconds": seconds,
            "out": out.read().decode(errors="replace"),
            "err": err.read().decode(errors="replace"),
        }


def _run_forked(
    argv: list[str], out: int, err: int, *, cwd: str | None, limit: int | None, wait: bool
) -> None:
    """Run the command in the forked process and exit."""
    code = 70
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        for source, number in ((null, 0), (out, 1), (err, 2)):
            os.dup2(source, number)
        if cwd is not None:
            os.chdir(cwd)
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if wait:
            os.kill(os.getpid(), signal.SIGSTOP)
        from lstm_cli.cli.main import run

        code = run(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _attach_strace(pid: int, trace: list[str]) -> "subprocess.Popen[bytes]":
    """Attach strace to a stopped process, then continue the process."""
    os.waitpid(pid, os.WUNTRACED)
    tracer = subprocess.Popen(["strace", "-f", "-qq", *trace, "-p", str(pid)], stderr=subprocess.DEVNULL)
    status = Path(f"/proc/{pid}/status")
    while "TracerPid:\t0" in status.read_text():
        if tracer.poll() is not None:
            break
        time.sleep(0.002)
    os.kill(pid, signal.SIGCONT)
    return tracer


def _wait(pid: int, kill_after: float | None) -> int:
    deadline = None if kill_after is None else time.monotonic() + kill_after
    while True:
        if deadline is None:
            return os.waitpid(pid, 0)[1]
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if time.monotonic() >= deadline:
            os.kill(pid, signal.SIGKILL)
            deadline = None
        else:
            time.sleep(0.001)


if __name__ == "__main__":
    serve()
