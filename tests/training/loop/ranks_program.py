"""Program with all imports that forks the processes of a task. Each runs its part and prints the result as JSON.

It reads one JSON request per line from stdin, and writes one JSON answer per line to stdout:

    {"task", "rank", "environ", "folder"}   start a rank, with its output in RANK.out and RANK.err: its process ID
    {"wait", "seconds"}                     wait for a process: its exit code, or null if it still runs
    {"end"}                                 kill a process if it still runs: its exit code

A task is one of:

resume        train without interruption, and from two of its checkpoints
gradients     compute the gradients of batches with and without the other processes
starved0, 1   train while rank 0 or 1 cannot compute more than three windows at a time
starved late  train while rank 1 runs out of memory in its second step
lost0, 1      train while rank 0 or 1 exits in its second step
silent0, 1    train while rank 0 or 1 stops in a validation or in a step, without an end of its connections
released      train, let the others end, and then wait for the file `release` in the folder
patient       train with a validation that takes longer than a step may take
diverged      train with a loss that is not a number in one window
interrupted   train until a signal in the second step of an epoch
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # otherwise each process imports it when it trains
from small_data import plan
from test_fit import windows
from torch import Tensor, nn

from lstm_cli.errors import Interrupted, LstmError
from lstm_cli.events import Note, ignore_events
from lstm_cli.models.registry import Architecture
from lstm_cli.training.loop import distributed
from lstm_cli.training.loop import fit as fitting
from lstm_cli.training.loop.fit import FitResult
from lstm_cli.training.loop.follower import follow
from lstm_cli.training.loop.optimizer_step import backward, differentiate
from lstm_cli.training.loop.out_of_memory import fit_in_memory
from lstm_cli.training.setup.checkpoint_state import CheckpointSlot, SavedState
from lstm_cli.training.setup.hyperparameters import Hyperparameters

TASK, RANK, FOLDER = "", 0, Path()  # of a forked process
CODES: dict[int, int] = {}  # exit codes of the processes that have ended
SHAPE = {"inputs": 1, "targets": 1, "known_ahead": 0, "lookback": 8, "horizon": 4}
PART = {**SHAPE, "segment": 4, "seasons": [4], "hidden": 4}
LINEAR = {"targets": 1, "horizon": 4, "reach": 3, "window": 8, "share": 0.5, "response": 0}
STACKED = {**SHAPE, "hidden": [6, 5], "dropout": 0.4}
NETWORKS = {
    "stacked": Architecture(name="stacked", settings=STACKED),
    "every option": Architecture(
        name="stacked",
        settings=STACKED | {"bidirectional": True, "batch_norm": True, "attention": 2, "head": "seq2seq"},
    ),
    "free": Architecture(name="free", settings=PART | {"dropout": 0.2, "anchored": False, "attention": 2}),
    "anchored": Architecture(
        name="anchored", settings=PART | {"dropout": 0.2, "anchored": True}, linear=LINEAR
    ),
}


def build(name: str, **changes: Any) -> nn.Module:
    """Return the network with weights that depend only on the rank: those of rank 0 must count."""
    torch.manual_seed(RANK)
    architecture = NETWORKS[name]
    network = replace(architecture, settings={**architecture.settings, **changes}).build()
    for buffer in network.buffers():
        nn.init.uniform_(buffer, 0.1, 0.5)
    return network


def train(
    name: str = "stacked",
    settings: Hyperparameters | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    *,
    spoilt: bool = False,
    listen: Callable[[Any], None] = ignore_events,
    should_stop: Callable[[], int | None] = lambda: None,
    slot: CheckpointSlot | None = None,
    shrink: bool = False,
) -> tuple[Hyperparameters, FitResult]:
    data = windows()
    if spoilt:
        data.inputs[data.origins[17]] = torch.nan
    return fit_in_memory(
        build(name),
        data,
        validate,
        settings or plan(epochs=4, clip_norm=1.0),
        architecture=NETWORKS[name],
        shrink=shrink,
        part="a part",
        listen=listen,
        should_stop=should_stop,
        slot=slot or CheckpointSlot(),
    )


def refusal(work: Callable[[], object]) -> list[str]:
    """Return the error message and its hint."""
    try:
        work()
    except LstmError as error:
        return [type(error).__name__, error.message, error.hint]
    return []


def resume() -> dict[str, list[list[float]]]:
    """Return for each network the weights of an uninterrupted training and of two resumed ones."""
    result = {}
    for name in NETWORKS:
        states: list[SavedState] = []
        settings = plan(epochs=4, batch_size=7, clip_norm=1.0, averaged=name == "free")
        slots = [CheckpointSlot(save=states.append)]
        fits = [train(name, settings, slot=slots[0])[1]]
        fits += [train(name, settings, slot=CheckpointSlot(stored=state))[1] for state in states[1:3]]
        result[name] = [
            torch.cat([weight.flatten() for weight in fitted.weights.values()]).tolist() for fitted in fits
        ]
    return result


def gradients() -> dict[str, list[list[float]]]:
    """Return for each network, loss and batch two gradients, each after loss and norms: of this process, and of all.

    Double precision limits the effect of the order of sums to the last digits. Some targets are missing. The batches
    have five windows, and fewer windows than there are ranks.
    """
    ranks, data = distributed.join("cpu"), windows()
    data = replace(data, inputs=data.inputs.double(), observed=data.observed.double())
    data.observed[::5] = 0
    result = {}
    for name in ("stacked", "free", "anchored"):
        for loss in ("mae", "mse", "huber"):
            settings = plan(loss=loss, clip_norm=0.5)
            model = build(name, dropout=0.0).double().train()
            network = ranks.parallel(model, data, settings)
            for chosen in (torch.tensor([0, 17, 3, 41, 28]), torch.tensor([5])):
                whole = backward(model, data.gather(chosen), settings).tolist() + gradient(model)
                batch, measured = ranks.share_of_batch(data, chosen)
                shared = ranks.mean(backward(network, batch, settings, measured=measured)).tolist()
                result[f"{name} {loss} {len(chosen)}"] = [whole, shared + gradient(model)]
    return result


def gradient(model: nn.Module) -> list[float]:
    return torch.cat(
        [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
    ).tolist()


def starved() -> dict[str, Any]:
    """Return the error without `shrink`, and the batch and messages with it."""
    events: list[object] = []
    settings = plan(batch_size=16, epochs=1)
    error = refusal(lambda: train(settings=settings))
    hparams, _ = train(settings=settings, shrink=True, listen=events.append)
    notes = [event.text for event in events if isinstance(event, Note)]
    return {"refused": error, "batch": hparams.batch_size, "notes": notes}


def stop_after(calls: int) -> Callable[[], int | None]:
    """Return a function that returns a signal from this number of calls on."""
    count = iter(range(1_000_000))
    return lambda: signal.SIGTERM if next(count) >= calls else None


def interrupted() -> list[Any]:
    try:
        train(should_stop=stop_after(7))
    except Interrupted as error:
        return ["Interrupted", error.exit_code]
    return []


def released() -> bool:
    train()
    distributed.leave()
    while not (FOLDER / "release").exists():
        time.sleep(0.01)
    return distributed.current_ranks() is None


def wait_long(model: nn.Module) -> float:
    time.sleep(1.2 * distributed.STEP_LIMIT.total_seconds())
    return 1.0


def stop_silently(*_: object, **__: object) -> float:
    os.kill(os.getpid(), signal.SIGSTOP)
    return 1.0


def fail_at(step: int, failure: Callable[..., object], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that fails at a call, from 1, and before that calls another one."""
    calls = iter(range(1, 1_000_000))

    def run(*given: Any, **named: Any) -> Any:
        if next(calls) == step:
            failure()
        return function(*given, **named)

    return run


def run_out_of_memory() -> None:
    raise torch.OutOfMemoryError("no more")


def starve(model: nn.Module, batch: Any, *given: Any, **named: Any) -> Tensor:
    if len(batch.past) > 3:
        run_out_of_memory()
    return differentiate(model, batch, *given, **named)


LEAD: dict[str, Callable[[], Any]] = {
    "resume": resume,
    "starved0": starved,
    "starved1": starved,
    "starved late": lambda: refusal(train),
    "lost0": lambda: refusal(train),
    "lost1": lambda: refusal(train),
    "silent0": lambda: refusal(partial(train, validate=stop_silently)),
    "silent1": lambda: refusal(train),
    "released": released,
    "patient": lambda: train(settings=plan(epochs=1), validate=wait_long)[1].history[-1]["epoch"],
    "diverged": lambda: refusal(partial(train, spoilt=True)),
    "interrupted": interrupted,
}


def prepare() -> None:
    """Make this rank fail as its task says, and shorten the limits."""
    if TASK in ("silent0", "silent1", "patient"):
        distributed.STEP_LIMIT = timedelta(seconds=6)
        distributed.BEAT = timedelta(seconds=1)
    failures: dict[str, Callable[..., object]] = {
        f"lost{RANK}": lambda: os._exit(0),
        "silent1": stop_silently,
        "starved late": run_out_of_memory,
    }
    if f"starved{RANK}" == TASK:
        distributed.differentiate = starve
    if TASK in failures and (RANK == 1 or TASK == "lost0"):
        fitting.backward = fail_at(2, failures[TASK], backward)


def main() -> Any:
    torch.set_num_threads(1)
    prepare()
    if TASK == "gradients":
        return gradients()
    if RANK:
        return refusal(lambda: follow("cpu"))
    with distributed.lead("cpu"):
        return LEAD[TASK]()


def start(task: str, rank: int, environ: dict[str, str], folder: str) -> int:
    """Fork a process that runs a rank, and return its ID."""
    global TASK, RANK, FOLDER
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            TASK, RANK, FOLDER = task, rank, Path(folder)
            os.environ.update(environ, RANK=str(rank))
            for number, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(FOLDER / f"{rank}.{name}", os.O_WRONLY | os.O_CREAT), number)
            print(json.dumps(main()), flush=True)
            code = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(
                code
            )  # as `lstm` does, because threads of torch.distributed can abort an interpreter at exit
    return pid


def wait(pid: int, seconds: float) -> int | None:
    """Return the exit code of a process, or None if it still runs after some seconds."""
    end = time.monotonic() + seconds
    while pid not in CODES:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            CODES[pid] = os.waitstatus_to_exitcode(status)
        elif time.monotonic() >= end:
            return None
        else:
            time.sleep(0.01)
    return CODES[pid]


def answer(request: dict[str, Any]) -> int | None:
    if "task" in request:
        return start(**request)
    if "wait" in request:
        return wait(request["wait"], request["seconds"])
    if request["end"] not in CODES:
        os.kill(request["end"], signal.SIGKILL)
    return wait(request["end"], float("inf"))


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
