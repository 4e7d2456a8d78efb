"""Training: the loop, its schedule, and windows gathered on the device. Knows no paths."""

from lstm_cli.runtime_environment import set_defaults

set_defaults()
