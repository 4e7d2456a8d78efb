"""Export of torch models to files for other programs, and comparison of the forecasts."""

from lstm_cli.runtime_environment import set_defaults

set_defaults()
