"""Frequency of a time grid: its step, how it is inferred, and the calendar."""
