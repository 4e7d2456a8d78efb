"""Torch models as files for other programs, and the check that these files say the same."""

from lstm_cli.runtime_environment import set_defaults

set_defaults()
