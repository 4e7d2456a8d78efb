"""An LSTM over segments that weighs simple forecasts against each other and adds a correction.

Every target of every series is a row of one shared model ("channel independence", Nie et al. 2023, "A time
series is worth 64 words"). The window is normalised by its own mean and deviation (Kim et al. 2022, RevIN),
cut into segments of about one season (Lin et al. 2023, SegRNN) and read by one LSTM. Its last state weighs
candidate forecasts, one set of weights for each segment of the horizon, and adds a correction.

An anchored network has the linear forecast among its candidates and starts there: its first forecast is the
linear one, nearly. A free one starts as torch does and knows nothing of the linear forecast.
"""

import torch
from torch import Tensor, nn

from lstm_cli.data.dataset.windows import MAX_SEGMENTS
from lstm_cli.models.attention import SelfAttention
from lstm_cli.models.dropout import SeededDropout
from lstm_cli.models.linear_layer import LinearForecast, window_moments
from lstm_cli.models.padding import run_unpadded

LINEAR_BIAS = 3.0  # the linear candidate's head start in the gate: about four fifths of the weight
QUIET = 1e-5**0.5  # of a target's unit: the deviation of a window that does not move


class SegmentLSTM(nn.Module):
    """See the module's text."""

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
        far_seasons: tuple[
            int, ...
        ] = (),  # longer than the lookback, of which the last one is a candidate too
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
        # Covariates join at zero: the first step is the same with and without them.
        self.embed_covariates = (
            _zero(nn.Linear(segment * self.covariates, hidden, bias=False)) if self.covariates else None
        )
        self.read_future = nn.Linear(segment * known_ahead + hidden, hidden) if known_ahead else None
        self.embed_future = _zero(nn.Linear(hidden, hidden, bias=False)) if known_ahead else None
        if anchored:
            for layer in (self.gate, self.correct):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
            with torch.no_grad():
                self.gate.bias.view(self.blocks, self.candidates)[:, -1] = LINEAR_BIAS
        self.register_buffer("unit", torch.ones(targets))
        # Made last: all other weights are drawn as without it.
        self.attention = SelfAttention(hidden, attention) if attention else None

    def forward(self, past: Tensor, future: Tensor, mask: Tensor, linear: Tensor | None = None) -> Tensor:
        """past [B, >= L, F], future [B, H, A], mask [B, >= L], linear [B, H, C] for an anchored one -> [B, H, C].

        As far back as the longest of the far seasons, too.
        """
        far = [
            repeat_last_season(past, mask, season, self.horizon, self.targets) for season in self.far_seasons
        ]
        past, mask = past[:, -self.lookback :], mask[:, -self.lookback :]
        values = past[:, :, : self.targets]
        mean, deviation = window_moments(values, mask, self.lookback, QUIET * self.unit)
        rows = ((values - mean) / deviation * mask[:, :, None]).transpose(1, 2)
        candidates = self._candidates(rows)
        candidates += [((each - mean) / deviation).transpose(1, 2) for each in far]
        if linear is not None:
            candidates.append(((linear - mean) / deviation).transpose(1, 2))
        state = self._state(past, rows, mask, future)  # [B, C, blocks, hidden]
        gate = self._by_block(self.gate, state).softmax(dim=-1)  # [B, C, blocks, k]
        gate = gate.transpose(2, 3).repeat_interleave(self.segment, dim=3)[..., : self.horizon]
        correction = self._by_block(self.correct, state).flatten(2)[..., : self.horizon]
        forecast = correction + (gate * torch.stack(candidates, dim=2)).sum(dim=2)
        return forecast.transpose(1, 2) * deviation + mean

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """[B, 1, C] deviation of each window: a quiet window counts as much as a lively one."""
        values = past[:, :, : self.targets]
        return window_moments(values, mask, self.lookback, QUIET * self.unit)[1]

    def _candidates(self, rows: Tensor) -> list[Tensor]:
        """Simple forecasts [B, C, H] in the window's units."""
        found = [rows[..., -1:].expand(-1, -1, self.horizon)]
        for season in self.seasons:
            found.append(self._tiled(rows[..., -season:]))
        for season in self.cycles:
            whole = self.lookback // season
            found.append(self._tiled(rows[..., -whole * season :].unflatten(2, (whole, season)).mean(dim=2)))
        return found

    def _tiled(self, cycle: Tensor) -> Tensor:
        times = -(-self.horizon // cycle.shape[-1])
        return cycle.repeat(1, 1, times)[..., : self.horizon]

    def _state(self, past: Tensor, rows: Tensor, mask: Tensor, future: Tensor) -> Tensor:
        """[B, C, blocks, hidden]: the LSTM's last output, and what is known of each segment ahead."""
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
            # Bent, so that what is known ahead may mean more at one level of the target than at another.
            state = state + self.embed_future(self.read_future(torch.cat([state, ahead], dim=-1)).relu())
        return state

    def _by_block(self, layer: nn.Linear, state: Tensor) -> Tensor:
        """One linear map a block: state [B, C, blocks, hidden] -> [B, C, blocks, out]."""
        weight = layer.weight.unflatten(0, (self.blocks, -1))  # [blocks, out, hidden]
        bias = layer.bias.unflatten(0, (self.blocks, -1))
        return torch.einsum("bcjd,jod->bcjo", state, weight) + bias


class AnchoredNetwork(nn.Module):
    """A network together with the linear forecast that it starts at, as it is trained."""

    def __init__(self, linear: LinearForecast, network: SegmentLSTM) -> None:
        super().__init__()
        self.linear, self.network = linear, network

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """past [B, L, F], future [B, H, A], mask [B, L] -> [B, H, C]."""
        return self.network(past, future, mask, self.linear(past, future, mask))

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """[B, 1, C], the network's."""
        return self.network.loss_scale(past, mask)


def repeat_last_season(past: Tensor, mask: Tensor, season: int, horizon: int, targets: int) -> Tensor:
    """Return the last season over and over [B, H, C]; the last value where a window holds less than one season.

    past [B, L, F], mask [B, L], L at least `season`.
    """
    tiled = past[:, -season:, :targets].repeat(1, -(-horizon // season), 1)[:, :horizon]
    whole = mask[:, -season:].amin(dim=1) > 0
    return torch.where(whole[:, None, None], tiled, past[:, -1:, :targets])


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    return layer


def segment_length(*, season: int, lookback: int) -> int:
    """Steps in one segment: the season where it is 4 to 48, else a divisor of it (or of the lookback) near 13 (4).

    Longer where the lookback would hold more than `MOST_SEGMENTS`; a season of 4 to 48 is one whatever it holds.
    """
    if 4 <= season <= 48:
        return min(season, lookback)
    least = -(-lookback // MAX_SEGMENTS)
    if season > 48:
        least = max(4, least)
        divisors = [
            size for size in range(least, min(max(48, 2 * least), lookback) + 1) if season % size == 0
        ]
        near = 13
    else:
        least = max(2, least)
        divisors = [size for size in range(least, max(13, 2 * least)) if lookback % size == 0]
        near = 4
    return min(divisors or [1], key=lambda size: abs(size - near))
