"""Small network that corrects the quantiles of a forecast for its window, with NumPy only.

The quantile of probability p, in units of its scale, is

    shift + exp(low) * knot_p    for p below the median
    shift + exp(high) * knot_p   for p above it

where shift, low and high are outputs of the network, and the knots are those of all windows, without their median. So
quantiles never cross, and both sides widen on their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.data.stored_types import require_numbers

LIMIT = 4.0  # of a feature, in deviations
MAX_LOG = 3.0  # of the factors of both sides
MAX_EXPONENT = 80.0  # exp of more overflows in 32 bits
ARRAYS = ("mean", "deviation", "first", "first_bias", "second", "second_bias", "output", "direct")


@dataclass(frozen=True, kw_only=True)
class QuantileNetwork:
    """Weights of the network, float32."""

    mean: np.ndarray  # [F] of the features
    deviation: np.ndarray  # [F]
    first: np.ndarray  # [F, W]
    first_bias: np.ndarray  # [W]
    second: np.ndarray  # [W, W]
    second_bias: np.ndarray  # [W]
    output: np.ndarray  # [W, 3]
    direct: np.ndarray  # [F, 3]: the linear part

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return shift, low and high [..., 3] of cells with features [..., F], float64."""
        inputs = (features - self.mean) / self.deviation
        inputs = np.minimum(np.maximum(inputs, -LIMIT), LIMIT)  # np.clip is slow for few values
        hidden = _silu(inputs @ self.first + self.first_bias)
        hidden = _silu(hidden @ self.second + self.second_bias)
        outputs = (hidden @ self.output + inputs @ self.direct).astype(np.float64)
        outputs[..., 1:] = np.minimum(np.maximum(outputs[..., 1:], -MAX_LOG), MAX_LOG)
        return np.asarray(outputs)

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ARRAYS}

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> "QuantileNetwork":
        network = QuantileNetwork(**{name: np.array(stored[name], dtype=np.float32) for name in ARRAYS})
        features, width = network.first.shape
        for name, shape in {
            "mean": (features,),
            "deviation": (features,),
            "first": (features, width),
            "first_bias": (width,),
            "second": (width, width),
            "second_bias": (width,),
            "output": (width, 3),
            "direct": (features, 3),
        }.items():
            require_numbers(getattr(network, name), shape=shape)
        require_numbers(network.deviation, shape=(features,), above=0)
        return network


def _silu(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / (1 + np.exp(np.minimum(-values, MAX_EXPONENT))))
