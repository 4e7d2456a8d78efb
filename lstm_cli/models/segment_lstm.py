"""LSTM over segments that weights candidate forecasts and adds a correction.

Every target of every series is a row of one shared model ("channel independence", Nie et al. 2023, "A time series is
worth 64 words"). The window is normalized by its own mean and deviation (Kim et al. 2022, RevIN), split into segments
of about one season (Lin et al. 2023, SegRNN) and read by one LSTM. Its last state gives a correction, and one set of
weights of the candidate forecasts for each segment of the horizon.

An anchored network has the linear forecast among its candidates and starts there: its first forecast is nearly the
linear one. A free network starts with torch's default weights and does not use the linear forecast.
"""

import torch
from torch import Tensor, nn

from lstm_cli.data.dataset.windows import MAX_SEGMENTS
from lstm_cli.models.attention import SelfAttention
from lstm_cli.models.dropout import SeededDropout
from lstm_cli.models.linear_layer import LinearForecast, window_moments
from lstm_cli.models.padding import run_unpadded

LINEAR_BIAS = 3.0  # initial gate bias of the linear candidate: about four fifths of the weight
DEVIATION_FLOOR = 1e-5**0.5  # in target units: deviation of a constant window


class SegmentLSTM(nn.Module):
    """LSTM over segments of a window; see the module docstring."""

    unit: Tensor  # [C] typical size of a scaled value

    def __init__(
        self,
        *,
        inputs: int,  # F
        targets: int,  # C
        known_ahead: int,  # A
        lookback: int,  # L, whole segments
        horizon: int,  # H
        segment: int,  # steps in one segment
        seasons: tuple[int, ...],
        hidden: int,
        dropout: float,
        anchored: bool,
        attention: int = 0,  # heads of self-attention over the segments; 0: none
        far_seasons: tuple[int, ...] = (),  # seasons beyond the lookback whose last repetition is a candidate
    ) -> None:
        super().__init__()
        self.lookback, self.horizon, self.targets = lookback, horizon, targets
        self.segment, self.hidden, self.anchored = segment, hidden, anchored
        self.known_ahead, self.covariates = known_ahead, inputs - targets
        self.seasons = tuple(season for season in seasons if season <= lookback)
        self.cycles = tuple(season for season in self.seasons if 2 * season <= lookback)
        self.far_seasons = far_seasons
        self.candidates = 1 + len(self.seasons) + len(self.cycles) + len(far_seasons) + anchored
        self.blocks = -(-horizon // segment)  # segments of the horizon

        self.embed = nn.Linear(segment, hidden)
        self.layers = nn.ModuleList([nn.LSTM(hidden, hidden, batch_first=True)])
        self.dropout = SeededDropout(dropout)
        self.gate = nn.Linear(hidden, self.candidates * self.blocks)
        self.correct = nn.Linear(hidden, self.blocks * segment)
        # Weights of covariates start at zero: the first forecast does not depend on them.
        self.embed_covariates = (
            _zero_weight(nn.Linear(segment * self.covariates, hidden, bias=False))
            if self.covariates
            else None
        )
        self.read_future = nn.Linear(segment * known_ahead + hidden, hidden) if known_ahead else None
        self.embed_future = _zero_weight(nn.Linear(hidden, hidden, bias=False)) if known_ahead else None
        if anchored:
            for layer in (self.gate, self.correct):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
            with torch.no_grad():
                self.gate.bias.view(self.blocks, self.candidates)[:, -1] = LINEAR_BIAS
        self.register_buffer("unit", torch.ones(targets))
        # Created last, so that the other initial weights do not depend on it.
        self.attention = SelfAttention(hidden, attention) if attention else None

    def forward(self, past: Tensor, future: Tensor, mask: Tensor, linear: Tensor | None = None) -> Tensor:
        """Return the forecast [B, H, C].

        Args:
            past: [B, >= L, F] scaled, targets first; it must cover the longest far season.
            future: [B, H, A] known-ahead inputs.
            mask: [B, >= L], 0 for padding.
            linear: [B, H, C] linear forecast for an anchored network.
        """
        far = [
            repeat_last_season(past, mask, season, self.horizon, self.targets) for season in self.far_seasons
        ]
        past, mask = past[:, -self.lookback :], mask[:, -self.lookback :]
        values = past[:, :, : self.targets]
        mean, deviation = window_moments(values, mask, self.lookback, DEVIATION_FLOOR * self.unit)
        rows = ((values - mean) / deviation * mask[:, :, None]).transpose(1, 2)
        candidates = self._candidates(rows)
        candidates += [((far_forecast - mean) / deviation).transpose(1, 2) for far_forecast in far]
        if linear is not None:
            candidates.append(((linear - mean) / deviation).transpose(1, 2))
        state = self._state(past, rows, mask, future)  # [B, C, blocks, hidden]
        gate = self._map_blocks(self.gate, state).softmax(dim=-1)  # [B, C, blocks, k]
        gate = gate.transpose(2, 3).repeat_interleave(self.segment, dim=3)[..., : self.horizon]
        correction = self._map_blocks(self.correct, state).flatten(2)[..., : self.horizon]
        forecast = correction + (gate * torch.stack(candidates, dim=2)).sum(dim=2)
        return forecast.transpose(1, 2) * deviation + mean

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """Return the deviation [B, 1, C] of each window, so that a quiet window counts as much as a volatile one."""
        values = past[:, :, : self.targets]
        return window_moments(values, mask, self.lookback, DEVIATION_FLOOR * self.unit)[1]

    def _candidates(self, rows: Tensor) -> list[Tensor]:
        """Return simple forecasts [B, C, H] in units of the window's deviation."""
        candidates = [rows[..., -1:].expand(-1, -1, self.horizon)]
        for season in self.seasons:
            candidates.append(self._tile(rows[..., -season:]))
        for season in self.cycles:
            cycles = self.lookback // season
            candidates.append(
                self._tile(rows[..., -cycles * season :].unflatten(2, (cycles, season)).mean(dim=2))
            )
        return candidates

    def _tile(self, cycle: Tensor) -> Tensor:
        repeats = -(-self.horizon // cycle.shape[-1])
        return cycle.repeat(1, 1, repeats)[..., : self.horizon]

    def _state(self, past: Tensor, rows: Tensor, mask: Tensor, future: Tensor) -> Tensor:
        """Return the LSTM's last output combined with each segment's known-ahead inputs, [B, C, blocks, hidden]."""
        count = self.lookback // self.segment
        steps = self.embed(rows.unflatten(2, (count, self.segment)))
        if self.embed_covariates is not None:
            others = past[:, :, self.targets :] * mask[:, :, None]
            others = others.unflatten(1, (count, self.segment)).flatten(2)
            steps = steps + self.embed_covariates(others)[:, None]
        real = mask.sum(dim=1).long()
        segments = ((real + self.segment - 1) // self.segment).clamp(min=1)
        segments = segments[:, None].expand(-1, self.targets).flatten()
        state = run_unpadded(self.layers, self.dropout, steps.flatten(0, 1), segments, self.attention)
        state = self.dropout(state).unflatten(0, (-1, self.targets))[:, :, None]
        state = state.expand(-1, -1, self.blocks, -1)
        if self.read_future is not None and self.embed_future is not None:
            padding = self.blocks * self.segment - self.horizon
            ahead = nn.functional.pad(future, (0, 0, 0, padding))
            ahead = ahead.unflatten(1, (self.blocks, self.segment)).flatten(2)
            ahead = ahead[:, None].expand(-1, self.targets, -1, -1)
            # Nonlinear, so that the effect of known-ahead inputs can depend on the level of the target.
            state = state + self.embed_future(self.read_future(torch.cat([state, ahead], dim=-1)).relu())
        return state

    def _map_blocks(self, layer: nn.Linear, state: Tensor) -> Tensor:
        """Return [B, C, blocks, out] for a state [B, C, blocks, hidden], with one linear map per block."""
        weight = layer.weight.unflatten(0, (self.blocks, -1))  # [blocks, out, hidden]
        bias = layer.bias.unflatten(0, (self.blocks, -1))
        return torch.einsum("bcjd,jod->bcjo", state, weight) + bias


class AnchoredNetwork(nn.Module):
    """Network together with the linear forecast that it starts at, for training."""

    def __init__(self, linear: LinearForecast, network: SegmentLSTM) -> None:
        super().__init__()
        self.linear, self.network = linear, network

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """Return the forecast [B, H, C].

        Args:
            past: [B, L, F] scaled, targets first.
            future: [B, H, A] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """
        return self.network(past, future, mask, self.linear(past, future, mask))

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """Return the loss scale [B, 1, C] of the network."""
        return self.network.loss_scale(past, mask)


def repeat_last_season(past: Tensor, mask: Tensor, season: int, horizon: int, targets: int) -> Tensor:
    """Return the last season repeated [B, H, C]; the last value if a window holds less than one season.

    Args:
        past: [B, L, F] with L at least `season`, targets first.
        mask: [B, L], 0 for padding.
        season: steps in a season.
        horizon: H, steps ahead.
        targets: C, number of target columns.
    """
    tiled = past[:, -season:, :targets].repeat(1, -(-horizon // season), 1)[:, :horizon]
    whole = mask[:, -season:].amin(dim=1) > 0
    return torch.where(whole[:, None, None], tiled, past[:, -1:, :targets])


def _zero_weight(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    return layer


def segment_length(*, season: int, lookback: int) -> int:
    """Return the steps in a segment: a season of 4 to 48, else a divisor near 13 of a longer season.

    Without such a season it is a divisor of the lookback near 4. The segment is longer if the lookback would hold too
    many segments, except with a season of 4 to 48.
    """
    if 4 <= season <= 48:
        return min(season, lookback)
    min_size = -(-lookback // MAX_SEGMENTS)
    if season > 48:
        min_size = max(4, min_size)
        divisors = [
            size for size in range(min_size, min(max(48, 2 * min_size), lookback) + 1) if season % size == 0
        ]
        preferred = 13
    else:
        min_size = max(2, min_size)
        divisors = [size for size in range(min_size, max(13, 2 * min_size)) if lookback % size == 0]
        preferred = 4
    return min(divisors or [1], key=lambda size: abs(size - preferred))
