"""Training: the loop, its schedule, and windows gathered on the device. This package knows no paths."""

from lstm_cli.runtime_environment import set_defaults

set_defaults()
