"""Sources of option values: a flag, the environment, a file, the winner of `tune`, or the default."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from lstm_cli.cli.stdio import print_line
from lstm_cli.cli.verbs import VERBS
from lstm_cli.config import TrainConfig, option_values
from lstm_cli.config.layers import Kind, find_settings, settings_from_run
from lstm_cli.config.tasks import TrainOfTasks

SOURCES = "lstm.sources"  # key in context.meta: the source of each parameter that has no flag
FLAG, DEFAULT = "flag", "default"  # sources
PAIRS = ("space",)  # NAME=VALUE options, which may be a table in a file
NUMBERS = ("level", "quantiles")  # repeatable options of numbers


def print_settings(context: typer.Context) -> None:
    """Write all settings of the verb and their sources to stderr, for --verbose."""
    options = {param.opts[-1]: str(param.name) for param in _options(context).values()}
    width = max(map(len, options))
    for flag, name in options.items():
        value, source = (
            option_values.value_text(context.params.get(name)),
            parameter_source(context, name) or DEFAULT,
        )
        print_line(
            "setting",
            f"{flag:{width}}  {value}  ({source})",
            {"flag": flag, "value": value, "source": source},
        )


def load_settings(context: typer.Context, file: str | None) -> str | None:
    """Make the values of the environment and of --config the defaults of Typer."""
    if context.resilient_parsing:  # completion
        return file
    verb = str(context.info_name).split()[-1]
    options = _options(context)
    settings = find_settings(verb, _kinds(options), file=file, environ=os.environ, verbs=tuple(VERBS))
    context.default_map = {str(options[name].name): setting.value for name, setting in settings.items()}
    context.obj.origins.update({options[name].opts[-1]: setting.origin for name, setting in settings.items()})
    context.obj.notes.extend(setting.note for setting in settings.values() if setting.note)
    sources = {str(options[name].name): setting.source for name, setting in settings.items()}
    context.meta.setdefault(SOURCES, {}).update(sources)
    return file


def setting_sources(context: typer.Context, *settings: Any) -> dict[str, str]:
    """Return the source of each field of the settings, as stored in the manifest, without the defaults."""
    names = [field.name for config in settings for field in fields(config)]
    sources = {name: parameter_source(context, name) for name in names}
    return {name: source for name, source in sources.items() if source is not None and source != DEFAULT}


def parameter_source(context: typer.Context, name: str) -> str | None:
    """Return the source of a parameter's value: a flag, a variable, a file, tune, or the default."""
    given = context.get_parameter_source(name)
    if given is None:
        return None
    if given.name in ("DEFAULT", "COMMANDLINE"):
        return DEFAULT if given.name == "DEFAULT" else FLAG
    sources: dict[str, str] = context.meta.get(SOURCES, {})
    return sources.get(name, "")


def _options(context: typer.Context) -> dict[str, Any]:
    """Return the verb's options by flag name, which may differ from the parameter name (--json, as_json)."""
    return {
        param.opts[-1].removeprefix("--").replace("-", "_"): param
        for param in context.command.params
        if param.param_type_name == "option" and param.name not in ("config", "help")
    }


def _kinds(options: Mapping[str, Any]) -> dict[str, Kind]:
    return {name: _kind(name, param) for name, param in options.items()}


def _kind(name: str, param: Any) -> Kind:
    if param.is_flag:
        return "switch"
    if name in PAIRS:
        return "pairs"
    if name in NUMBERS:
        return "numbers"
    if param.nargs > 1:
        return "pair"
    return "repeated" if param.multiple else "value"


def load_winner(context: typer.Context, run: Path) -> Path:
    """Make the settings of the winner of `tune` and the model of the task the lowest-priority defaults of Typer.

    Typer calls this function for RUN after it has parsed the flags, and before the options without a flag.
    """
    if context.resilient_parsing:
        return run
    from lstm_cli.rundir import reading_manifest
    from lstm_cli.steps.shared.tuned_settings import tuned_settings
    from lstm_cli.tasks.settle import require_own_values, stored_task

    task = stored_task(run)
    require_own_values(task, "train", (TrainConfig, TrainOfTasks), context.params)
    options = _options(context)
    higher: dict[str, Any] = {**(context.default_map or {}), **context.params}
    winner = tuned_settings(run) if higher.get("tuned", True) else {}
    if higher.get("model") in (None, winner.get("model")):
        origin = "the winner of 'lstm tune'"
        with reading_manifest(run):
            settings = settings_from_run(winner, _kinds(options), origin=origin, source="tune")
        for name, setting in settings.items():
            context.meta.setdefault(SOURCES, {}).setdefault(str(options[name].name), setting.source)
            context.default_map = {str(options[name].name): setting.value, **(context.default_map or {})}
            context.obj.origins.setdefault(options[name].opts[-1], setting.origin)
    if task.only_model:  # then it is a default, not a choice
        context.meta.setdefault(SOURCES, {}).setdefault("model", DEFAULT)
        context.default_map = {"model": task.only_model, **(context.default_map or {})}
    return run
