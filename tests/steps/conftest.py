"""Fixtures of `small_steps`, `text_runs` and `command_results` for all tests of the steps."""

from command_results import as_json, error_of
from small_steps import panel, run, scored, trained
from text_runs import text_run, text_run_made_once

__all__ = ["as_json", "error_of", "panel", "run", "scored", "text_run", "text_run_made_once", "trained"]
