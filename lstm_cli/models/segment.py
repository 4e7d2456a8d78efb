"""An LSTM over segments that starts at the linear forecast and learns where to leave it.

Every target of every series is a row of one shared model ("channel independence", Nie et al. 2023, "A time
series is worth 64 words"). The window is normalised by its own mean and deviation (Kim et al. 2022, RevIN),
cut into segments of about one season (Lin et al. 2023, SegRNN) and read by one LSTM. Its last state weighs
simple candidate forecasts against each other, one set of weights for each segment of the horizon, and adds a
correction. At the first step correction and weights say: take the linear forecast.
"""

import torch
from torch import Tensor, nn

from lstm_cli.models.masking import run_unpadded

LINEAR_BIAS = 3.0  # the linear candidate's head start in the gate: about four fifths of the weight


class Segment(nn.Module):
    """See the module's text. `linear_*` are the linear forecast it starts at, kept as they are."""

    linear_weights: Tensor  # [K', H]
    linear_bias: Tensor  # [H]
    unit: Tensor  # [C] typical size of a scaled value

    def __init__(
        self,
        *,
        inputs: int,  # F
        targets: int,  # C
        known_ahead: int,  # K
        lookback: int,  # L: of the linear forecast and of the network, the longer one
        network_lookback: int,  # how much of it the network reads: whole segments
        linear_lookback: int,  # K': how much of it the linear forecast reads
        horizon: int,  # H
        segment: int,  # steps in one segment
        seasons: tuple[int, ...],
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.lookback, self.horizon, self.targets = lookback, horizon, targets
        self.network_lookback, self.segment, self.hidden = network_lookback, segment, hidden
        self.known_ahead, self.covariates = known_ahead, inputs - targets
        self.seasons = tuple(season for season in seasons if season <= network_lookback)
        self.cycles = tuple(season for season in self.seasons if 2 * season <= network_lookback)
        self.candidates = 2 + len(self.seasons) + len(self.cycles)
        self.blocks = -(-horizon // segment)  # segments of the horizon

        self.embed = nn.Linear(segment, hidden)
        self.layers = nn.ModuleList([nn.LSTM(hidden, hidden, batch_first=True)])
        self.dropout = nn.Dropout(dropout)
        self.gate = nn.Linear(hidden, self.candidates * self.blocks)
        self.correct = nn.Linear(hidden, self.blocks * segment)
        # Covariates join at zero: the first step is the same with and without them.
        self.embed_covariates = (
            _zero(nn.Linear(segment * self.covariates, hidden, bias=False)) if self.covariates else None
        )
        self.embed_future = (
            _zero(nn.Linear(segment * known_ahead, hidden, bias=False)) if known_ahead else None
        )
        for layer in (self.gate, self.correct):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.gate.bias.view(self.blocks, self.candidates)[:, -1] = LINEAR_BIAS
        self.register_buffer("linear_weights", torch.zeros(linear_lookback, horizon))
        self.register_buffer("linear_bias", torch.zeros(horizon))
        self.register_buffer("unit", torch.ones(targets))

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """past [B, L, F], future [B, H, K], mask [B, L] -> [B, H, C]."""
        mean, deviation = self._window(past, mask)
        rows = ((past[:, :, : self.targets] - mean) / deviation * mask[:, :, None]).transpose(1, 2)
        candidates = self._candidates(past, rows, mask, mean, deviation)  # [B, C, k, H]
        state = self._state(past, rows, mask, future)  # [B, C, blocks, hidden]
        gate = self._by_block(self.gate, state).softmax(dim=-1)  # [B, C, blocks, k]
        gate = gate.transpose(2, 3).repeat_interleave(self.segment, dim=3)[..., : self.horizon]
        correction = self._by_block(self.correct, state).flatten(2)[..., : self.horizon]
        forecast = correction + (gate * candidates).sum(dim=2)
        return forecast.transpose(1, 2) * deviation + mean

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """[B, 1, C] deviation of each window: a quiet window counts as much as a lively one."""
        return self._window(past, mask)[1]

    def _window(self, past: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation [B, 1, C] of the real steps that the network reads."""
        values = past[:, -self.network_lookback :, : self.targets]
        real = mask[:, -self.network_lookback :, None]
        count = real.sum(dim=1, keepdim=True).clamp(min=1)
        mean = (values * real).sum(dim=1, keepdim=True) / count
        variance = (((values - mean) * real) ** 2).sum(dim=1, keepdim=True) / count
        return mean, torch.sqrt(variance + 1e-5 * self.unit**2)

    def _candidates(
        self, past: Tensor, rows: Tensor, mask: Tensor, mean: Tensor, deviation: Tensor
    ) -> Tensor:
        """Simple forecasts [B, C, k, H] in the window's units; the linear one is the last."""
        found = [rows[..., -1:].expand(-1, -1, self.horizon)]
        for season in self.seasons:
            found.append(self._tiled(rows[..., -season:]))
        for season in self.cycles:
            whole = self.network_lookback // season
            found.append(self._tiled(rows[..., -whole * season :].unflatten(2, (whole, season)).mean(dim=2)))
        last = past[:, -1:, : self.targets]
        reach = self.linear_weights.shape[0]
        centred = (past[:, -reach:, : self.targets] - last) * mask[:, -reach:, None]
        linear = centred.transpose(1, 2) @ self.linear_weights + self.unit[:, None] * self.linear_bias
        found.append((linear + (last - mean).transpose(1, 2)) / deviation.transpose(1, 2))
        return torch.stack(found, dim=2)

    def _tiled(self, cycle: Tensor) -> Tensor:
        times = -(-self.horizon // cycle.shape[-1])
        return cycle.repeat(1, 1, times)[..., : self.horizon]

    def _state(self, past: Tensor, rows: Tensor, mask: Tensor, future: Tensor) -> Tensor:
        """[B, C, blocks, hidden]: the LSTM's last output, and what is known of each segment ahead."""
        count = self.network_lookback // self.segment
        steps = self.embed(rows[..., -self.network_lookback :].unflatten(2, (count, self.segment)))
        if self.embed_covariates is not None:
            others = (
                past[:, -self.network_lookback :, self.targets :] * mask[:, -self.network_lookback :, None]
            )
            others = others.unflatten(1, (count, self.segment)).flatten(2)
            steps = steps + self.embed_covariates(others)[:, None]
        real = mask[:, -self.network_lookback :].sum(dim=1).long()
        segments = ((real + self.segment - 1) // self.segment).clamp(min=1)
        segments = segments[:, None].expand(-1, self.targets).flatten()
        state = run_unpadded(self.layers, self.dropout, steps.flatten(0, 1), segments)
        state = self.dropout(state).unflatten(0, (-1, self.targets))[:, :, None]
        state = state.expand(-1, -1, self.blocks, -1)
        if self.embed_future is not None:
            padding = self.blocks * self.segment - self.horizon
            ahead = nn.functional.pad(future, (0, 0, 0, padding))
            ahead = ahead.unflatten(1, (self.blocks, self.segment)).flatten(2)
            state = state + self.embed_future(ahead)[:, None]
        return state

    def _by_block(self, layer: nn.Linear, state: Tensor) -> Tensor:
        """One linear map a block: state [B, C, blocks, hidden] -> [B, C, blocks, out]."""
        weight = layer.weight.unflatten(0, (self.blocks, -1))  # [blocks, out, hidden]
        bias = layer.bias.unflatten(0, (self.blocks, -1))
        return torch.einsum("bcjd,jod->bcjo", state, weight) + bias


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    return layer


def segment_length(*, season: int, lookback: int) -> int:
    """Steps in one segment: the season where it is 4 to 48, else a divisor of it (or of the lookback) near 13 (4)."""
    if 4 <= season <= 48:
        return min(season, lookback)
    if season > 48:
        divisors = [size for size in range(4, min(48, lookback) + 1) if season % size == 0]
        near = 13
    else:
        divisors = [size for size in range(2, 13) if lookback % size == 0]
        near = 4
    return min(divisors or [1], key=lambda size: abs(size - near))
