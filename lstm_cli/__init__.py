"""lstm: a command-line toolchain that turns a CSV of measurements into a forecast."""

__version__ = "0.2.0.dev0"
