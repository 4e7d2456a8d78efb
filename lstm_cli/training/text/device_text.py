"""Text on a device, as the examples of `fit`: parallel lanes, which the network reads piece by piece."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import torch
from torch import Tensor, nn

from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.models.language_model import LanguageModel

LANES, SHORTEST_LANE = 32, 1_024  # of a validation: largest number of lanes, and tokens of one
LEAD_IN = 256  # tokens before a lane that are read first, and not scored
STEPS_AT_ONCE = 256  # tokens of each lane in one call of the validation


@dataclass(kw_only=True)
class CarriedState:
    """State of the network after the last piece, without its gradient."""

    value: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class TextBatch:
    """Piece of each lane, and the state before it."""

    tokens: Tensor  # [B, T]
    following: Tensor  # [B, T] the token after each one
    state: CarriedState

    @property
    def device(self) -> torch.device:
        return self.tokens.device

    def loss(self, model: nn.Module, kind: str, *, measured: Tensor | None = None) -> Tensor:
        """Return the mean cross-entropy [] in nats per token, and keep the state for the next piece.

        Args:
            model: language model.
            kind: not used: there is one loss.
            measured: divisor [] of the sum; None uses the number of tokens.
        """
        before = self.state.value
        scores, after = model(
            self.tokens, _network(model).new_state(len(self.tokens)) if before is None else before
        )
        self.state.value = after.detach()
        total = nn.functional.cross_entropy(scores.flatten(0, 1), self.following.flatten(), reduction="sum")
        return total / (self.following.numel() if measured is None else measured)


@dataclass(frozen=True, kw_only=True)
class DeviceText:
    """Training text on a device, in B lanes side by side. A pass reads the pieces of the lanes in their order.

    An index is the number of a step times B, plus a lane. The state is carried over from piece to piece. It begins
    with zeros at the start of a pass, and after a validation, so that a training that resumes there is the same.
    """

    lanes: Tensor  # [B, M + 1] tokens; the last one of a lane is only predicted
    piece: int  # tokens T of truncated backpropagation
    steps_per_epoch: int
    state: CarriedState = field(default_factory=CarriedState)

    @property
    def device(self) -> torch.device:
        return self.lanes.device

    @property
    def has_fixed_shape(self) -> bool:
        return False

    @property
    def pieces(self) -> int:
        """Return the number of pieces of a lane. The last one may be shorter."""
        return pieces_of(self.lanes.shape[1] - 1, self.piece)

    def __len__(self) -> int:
        return self.lanes.shape[0] * (self.lanes.shape[1] - 1)

    def order(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield endless steps, each with the next piece of all lanes.

        Args:
            size: number of lanes.
            generator: not used: the order is that of the text.
        """
        for step in count():
            yield torch.arange(step * size, (step + 1) * size)

    def gather(self, indices: Tensor) -> TextBatch:
        """Return the pieces at these indices [B], which are those of one step."""
        step = int(indices[0]) // len(self.lanes)
        if step % self.pieces == 0 or step % self.steps_per_epoch == 0:
            self.state.value = None
        chunk = self._chunk(step)
        return TextBatch(tokens=chunk[:, :-1], following=chunk[:, 1:], state=self.state)

    def measured(self, indices: Tensor) -> Tensor:
        """Return the number [] of tokens at these indices [B]."""
        tokens = self._chunk(int(indices[0]) // len(self.lanes))[:, 1:].numel()
        return torch.tensor(tokens, device=self.device)

    def _chunk(self, step: int) -> Tensor:
        """Return the tokens [B, T + 1] of a step."""
        begin = step % self.pieces * self.piece
        return self.lanes[:, begin : begin + self.piece + 1].long()


def pieces_of(length: int, piece: int) -> int:
    """Return the number of pieces of a lane of this many tokens."""
    return -(-length // piece)


def in_lanes(tokens: np.ndarray, lanes: int) -> np.ndarray:
    """Return tokens [B, M + 1] in lanes. Each begins with the last token of the one before; a rest is left out.

    Args:
        tokens: [N] tokens, more than one for each lane.
        lanes: number of lanes B.
    """
    length = (len(tokens) - 1) // lanes
    return tokens[np.arange(lanes)[:, None] * length + np.arange(length + 1)]


def loss_validator(
    tokens: np.ndarray, device: torch.device, *, should_stop: Callable[[], int | None] = lambda: None
) -> Callable[[nn.Module], float]:
    """Return a function that computes the mean loss of a network in nats per token, over all tokens but the first.

    Args:
        tokens: [N] tokens, at least 2.
        device: device of the network.
        should_stop: asked before every call of the network; a signal raises Interrupted.
    """
    total = len(tokens) - 1
    lanes = max(1, min(LANES, total // SHORTEST_LANE))
    length = -(-total // lanes)
    padded = torch.from_numpy(np.pad(tokens.astype(np.int64), (0, lanes * length - total))).to(device)
    begins = torch.arange(lanes, device=device)[:, None] * length
    rows = padded[begins + torch.arange(length + 1, device=device)]
    real = begins + torch.arange(length, device=device) < total
    before = padded[begins[1:] + torch.arange(-LEAD_IN, 0, device=device)]

    def validate(model: nn.Module) -> float:
        network = _network(model)
        state, loss = network.new_state(lanes), 0.0
        if lanes > 1:
            state[:, 1:] = network(before, state[:, 1:])[1]
        for begin in range(0, length, STEPS_AT_ONCE):
            raise_if_interrupted(should_stop)
            chunk = rows[:, begin : begin + STEPS_AT_ONCE + 1]
            scores, state = network(chunk[:, :-1], state)
            costs = nn.functional.cross_entropy(
                scores.flatten(0, 1), chunk[:, 1:].flatten(), reduction="none"
            )
            counted = real[:, begin : begin + STEPS_AT_ONCE].flatten()
            loss += float(costs[counted].sum(dtype=torch.float64))
        return loss / total

    return validate


def _network(model: nn.Module) -> LanguageModel:
    assert isinstance(model, LanguageModel)
    return model
