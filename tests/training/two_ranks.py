"""A program for two processes: rank 0 trains in several ways and prints what came of it as JSON, rank 1 follows.

two_ranks.py RANK PORT STARVED: the process of the rank STARVED cannot compute more than three windows at a time.
"""

import json
import os
import sys
from typing import Any

import torch
from small_data import plan
from test_fit import segment, stacked, windows
from torch import Tensor, nn

from lstm_cli.errors import DeviceError
from lstm_cli.events import Noted, silent
from lstm_cli.training import ranks
from lstm_cli.training.checkpoints import Keep, Saved
from lstm_cli.training.fit import Fitted, fit
from lstm_cli.training.memory import fit_in_memory
from lstm_cli.training.step import differentiate

RANK, PORT, STARVED = (int(word) for word in sys.argv[1:])


def starved(model: nn.Module, batch: Any, *given: Any, **named: Any) -> Tensor:
    if len(batch.past) > 3:
        raise torch.OutOfMemoryError("no more than three")
    return differentiate(model, batch, *given, **named)


def figures(fitted: Fitted) -> list[float]:
    return torch.cat([weight.flatten() for weight in fitted.weights.values()]).tolist()


def run(keep: Keep, model: nn.Module) -> Fitted:
    settings = plan(epochs=4, clip_norm=1.0, averaged=True)
    return fit(model, windows(), None, settings, part="", listen=silent, should_stop=lambda: None, keep=keep)


def in_memory(shrink: bool) -> tuple[int, list[str]]:
    told: list[object] = []
    model, settings = stacked(), plan(batch_size=16, epochs=1)
    followed, _ = fit_in_memory(
        model, windows(), None, settings,
        shrink=shrink, part="a part", listen=told.append, should_stop=lambda: None,
    )  # fmt: skip
    return followed.batch_size, [event.text for event in told if isinstance(event, Noted)]


os.environ |= {"RANK": str(RANK), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(PORT)}
if RANK == STARVED:
    ranks.differentiate = starved
torch.set_num_threads(1)
if RANK:
    ranks.follow("cpu", 1)
else:
    found: dict[str, Any] = {}
    with ranks.leading("cpu"):
        if STARVED < 0:
            states: list[Saved] = []
            for name, make in {"stacked": lambda: stacked(dropout=0.4), "segment": segment}.items():
                whole = figures(run(Keep(save=states.append), make()))
                found[name] = [whole, *(figures(run(Keep(found=state), make())) for state in states[1:3])]
                states.clear()
        else:
            try:
                in_memory(shrink=False)
            except DeviceError as error:
                found["refused"] = [error.message, error.hint]
            found["fitted"] = in_memory(shrink=True)
    print(json.dumps(found), flush=True)
os._exit(0)  # as `lstm` does: threads of torch.distributed may abort an interpreter that is taken down
