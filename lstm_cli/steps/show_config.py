"""Step `config`: the settings of each step of a run, and the source of each setting."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lstm_cli import config as settings_of
from lstm_cli.config.classify import ClassifyPrepareConfig, ClassifyTrainConfig
from lstm_cli.config.renamed import with_new_names
from lstm_cli.rundir import Run, command, open_run, reading_manifest
from lstm_cli.steps.shared.report_json import to_plain

KINDS: Mapping[str, type] = {
    "prepare": ClassifyPrepareConfig,  # the settings of all tasks
    "train": ClassifyTrainConfig,
    "tune": settings_of.TuneConfig,
    "evaluate": settings_of.EvaluateConfig,
    "quantize": settings_of.QuantizeConfig,
}
UNKNOWN = "not recorded"  # a run of an older release, or one made without the command line
AUTOMATIC = (None, "auto")  # values that let the step choose


@dataclass(frozen=True, kw_only=True)
class ConfigReport:
    """Report of `config`."""

    run: str
    data: str | None  # the file that `prepare` read
    steps: dict[
        str, dict[str, dict[str, Any]]
    ]  # step: setting: value, source, and `settled` for an automatic value

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)

    def to_toml(self) -> str:
        """Return a file for `--config` that makes the same run from the same data.

        It has one table for each verb. Settings that are unset or empty are left out.
        """
        with reading_manifest(Path(self.run)):
            return self._to_toml()

    def _to_toml(self) -> str:
        import tomli_w

        data = "DATA" if self.data is None else self.data
        first = f"# {command('prepare', self.run).replace('DATA', shlex.quote(data), 1)} --config FILE"
        tables = {
            step: {
                name: _as_written(name, setting["value"])
                for name, setting in settings.items()
                if setting["value"] not in (None, [])
            }
            for step, settings in self.steps.items()
        }
        return " ".join(first.split()) + "\n" + tomli_w.dumps(tables)


def _as_written(name: str, value: Any) -> Any:
    """Return a value in the form of a settings file, where a fraction of 1 or more is a percentage."""
    return f"{100 * value!r}%" if name == "max_loss" and value >= 1 else value


def config(run: Path) -> ConfigReport:
    """Read the settings that `run.json` records. Raises MissingArtifact, ForeignFolder or CorruptArtifact."""
    with open_run(run) as opened, reading_manifest(run):
        steps = read_settings(opened)
        data = opened.report("prepare").get("source") if "prepare" in opened.steps else None
    return ConfigReport(run=str(run), data=data, steps=steps)


def read_settings(run: Run) -> dict[str, dict[str, dict[str, Any]]]:
    """Return value, source and `settled` of each setting, by step and name."""
    return {step: step_settings(step, run.entry(step)) for step in KINDS if step in run.steps}


def step_settings(step: str, entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the value and the source of each setting of a step, and the `settled` value of an automatic one.

    Args:
        step: verb of the step.
        entry: manifest entry of the step.
    """
    config, sources, report = with_new_names(entry["config"]), entry["sources"], entry["report"]
    if step == "tune":  # settings of the trials are options of `tune`, too
        config |= with_new_names(config.pop("train", {}))
    sources = None if sources is None else with_new_names(sources)
    known = [field.name for field in fields(KINDS[step])]
    order = [*(name for name in known if name in config), *(name for name in config if name not in known)]
    settings: dict[str, dict[str, Any]] = {}
    for name in order:
        source = UNKNOWN if sources is None else sources.get(name, "default")
        settings[name] = {"value": config[name], "source": source}
        settled = report.get(name)
        if config[name] in AUTOMATIC and isinstance(settled, str | int | float):
            settings[name]["settled"] = settled
    return settings
