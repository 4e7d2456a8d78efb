"""The linear forecast: many ridge regressions in closed form, averaged into one map."""

from lstm_cli.linear.ensemble import fit_linear, linear_lookbacks, refit_linear
from lstm_cli.linear.forecast import Linear

__all__ = ["Linear", "fit_linear", "linear_lookbacks", "refit_linear"]
