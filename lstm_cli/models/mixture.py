"""Default model: the linear forecast, anchored and free networks, and the weights that combine them."""

import torch
from torch import Tensor, nn

from lstm_cli.models.linear_layer import LinearForecast
from lstm_cli.models.segment_lstm import SegmentLSTM, repeat_last_season


class Mixture(nn.Module):
    """Weighted sum of the forecasts of several parts, with one weight per part and step ahead.

    Networks of one part that differ only in their seed are averaged.
    """

    weights: Tensor  # [H, P], each row sums to 1

    def __init__(
        self,
        *,
        inputs: int,  # F
        targets: int,  # C
        known_ahead: int,  # A
        lookback: int,  # L: longest lookback of the parts
        horizon: int,  # H
        parts: tuple[str, ...],  # P of linear, anchored, free, simple, in the order of the weights
        linear_reach: int,
        linear_window: int,
        linear_share: float,
        linear_response: int,
        anchored_lookback: int,
        free_lookback: int,
        networks: int,  # networks per part
        segment: int,
        seasons: tuple[int, ...],
        hidden: int,
        dropout: float,
        simple_season: int,  # of the part `simple`: 1 is the last value, else a repeated season
        attention: int = 0,  # heads of self-attention over the segments; 0: none
        far_seasons: tuple[int, ...] = (),  # seasons beyond the lookback whose last repetition is a candidate
    ) -> None:
        super().__init__()
        self.lookback, self.horizon, self.targets = lookback, horizon, targets
        self.parts, self.simple_season = parts, simple_season
        self.linear = LinearForecast(
            targets=targets,
            horizon=horizon,
            reach=linear_reach,
            window=linear_window,
            share=linear_share,
            response=linear_response,
        )

        def make_networks(name: str, lookback: int) -> nn.ModuleList:
            count = networks if name in parts else 0
            return nn.ModuleList(
                SegmentLSTM(
                    inputs=inputs,
                    targets=targets,
                    known_ahead=known_ahead,
                    lookback=lookback,
                    horizon=horizon,
                    segment=segment,
                    seasons=seasons,
                    hidden=hidden,
                    dropout=dropout,
                    anchored=name == "anchored",
                    attention=attention,
                    far_seasons=far_seasons,
                )
                for _ in range(count)
            )

        self.anchored = make_networks("anchored", anchored_lookback)
        self.free = make_networks("free", free_lookback)
        self.register_buffer("weights", torch.full((horizon, len(parts)), 1 / len(parts)))

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """Return the forecast [B, H, C].

        Args:
            past: [B, L, F] scaled, targets first.
            future: [B, H, A] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """
        return self.combine(self.part_forecasts(past, future, mask))

    def combine(self, forecasts: Tensor) -> Tensor:
        """Return the weighted sum [B, H, C] of the parts' forecasts [B, H, C, P]."""
        return (forecasts * self.weights[None, :, None]).sum(dim=-1)

    def part_forecasts(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """Return the forecasts of the parts, [B, H, C, P].

        Args:
            past: [B, L, F] scaled, targets first.
            future: [B, H, A] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """
        linear = self.linear(past, future, mask)
        forecasts = []
        for name in self.parts:
            if name == "linear":
                forecasts.append(linear)
            elif name == "simple":
                forecasts.append(
                    repeat_last_season(past, mask, self.simple_season, self.horizon, self.targets)
                )
            else:
                networks = self.anchored if name == "anchored" else self.free
                anchor = linear if name == "anchored" else None
                seed_forecasts = [network(past, future, mask, anchor) for network in networks]
                forecasts.append(
                    torch.stack(seed_forecasts).mean(dim=0) if len(seed_forecasts) > 1 else seed_forecasts[0]
                )
        return torch.stack(forecasts, dim=-1)

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """Return ones [B, 1, C], because the parts are trained separately."""
        return torch.ones_like(past[:, :1, : self.targets])
