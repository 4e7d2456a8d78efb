"""Command that runs a step again, with the options that it had."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_cli import config as settings_of
from lstm_cli.config.arguments import arguments
from lstm_cli.config.renamed import with_new_names
from lstm_cli.rundir import Run, command, is_refreshed, retrain_command
from lstm_cli.steps.runs.facts import text_of
from lstm_cli.steps.shared.cached_report import IGNORED_SETTINGS
from lstm_cli.wording import quote_value


def again(
    run: Run,
    step: str,
    config: Mapping[str, Any] | None = None,
    *,
    start: Mapping[str, Any] | None = None,
) -> str:
    """Return the command of a step with the options that it had, apart from those that `tune` chose.

    In a run of `refresh`, the step `train` is a night, which takes the settings of the model from the run.

    Args:
        run: open run.
        step: verb of the step.
        config: stored settings; None for those in `run.json`.
        start: model at which a stored training starts, with its `run`.
    """
    refreshed = is_refreshed(run.models)
    if step == "train" and config is None and refreshed:
        return retrain_command(run)
    entry = run.steps.get(step, {})
    sources = entry.get("sources") or {}
    if config is None:
        config = {
            name: value for name, value in entry.get("config", {}).items() if sources.get(name) != "tune"
        }
        start = entry.get("report", {}).get("warm_start")
    line = retrain_command(run) if step == "train" and not refreshed else command(step, run.path)
    if start is not None:
        line += f" --from {_quoted(str(start['run']))}"
    if step == "prepare":
        source = _source_of(entry)
        line = line.replace(" DATA ", f" {_quoted(source)} ", 1) if source is not None else line
    kind = _settings_of(step)
    words = arguments(kind, with_new_names(config), left_out=IGNORED_SETTINGS)
    return " ".join((line, *map(_quoted, words)))


def _settings_of(step: str) -> type:
    """Return the class with the settings of a step for all tasks. Only the settings of this step are loaded."""
    if step in ("prepare", "train"):
        from lstm_cli.config.tasks import AnyPrepareConfig, AnyTrainConfig

        return AnyPrepareConfig if step == "prepare" else AnyTrainConfig
    kind: type = getattr(settings_of, f"{step.capitalize()}Config")
    return kind


def _source_of(entry: Mapping[str, Any]) -> str | None:
    """Return the path of the data file of `prepare`; None for several files, a DataFrame or standard input."""
    source = text_of(entry.get("report", {}), "source")
    is_one = source is not None and list(entry.get("read", {})) == ["source"]
    return source if is_one and Path(str(source)).is_file() else None


def _quoted(text: str) -> str:
    return text if shlex.quote(text) == text else quote_value(text)
