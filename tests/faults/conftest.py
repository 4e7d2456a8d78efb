"""The fixtures of `faulty`, for every test of this folder."""

from faulty import chance, command, panel

__all__ = ["chance", "command", "panel"]
