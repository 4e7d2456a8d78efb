"""`config`: the settings that each step of a run was made with, and where each came from."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lstm_cli import config as settings_of
from lstm_cli.config.renamed import with_new_names
from lstm_cli.rundir import command, open_run
from lstm_cli.steps.shared.report_json import to_plain

KINDS: Mapping[str, type] = {
    "prepare": settings_of.PrepareConfig,
    "train": settings_of.TrainConfig,
    "tune": settings_of.TuneConfig,
    "evaluate": settings_of.EvaluateConfig,
    "quantize": settings_of.QuantizeConfig,
}
UNKNOWN = "not recorded"  # a run of an older release, or one that no command line has made
LEFT_TO_THE_STEP = (None, "auto")


@dataclass(frozen=True, kw_only=True)
class ConfigReport:
    """The settings of a run, step by step."""

    run: str
    data: str | None  # the file that `prepare` read
    steps: dict[
        str, dict[str, dict[str, Any]]
    ]  # step: setting: value, source, and what was settled where it was open

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return to_plain(self)

    def to_toml(self) -> str:
        """Return the file that, given as `--config`, makes the same run of the same data.

        It holds a table for each verb. Settings that are unset or empty are left out.
        """
        import tomli_w

        data = "DATA" if self.data is None else self.data
        first = f"# {command('prepare', self.run).replace('DATA', shlex.quote(data), 1)} --config FILE"
        tables = {
            step: {
                name: _as_written(name, told["value"])
                for name, told in settings.items()
                if told["value"] not in (None, [])
            }
            for step, settings in self.steps.items()
        }
        return " ".join(first.split()) + "\n" + tomli_w.dumps(tables)


def _as_written(name: str, value: Any) -> Any:
    """Return a value as a file of settings takes it: a share of 1 or more is a percentage there."""
    return f"{100 * value!r}%" if name == "max_loss" and value >= 1 else value


def config(run: Path) -> ConfigReport:
    """Reads what `run.json` records of settings. Raises MissingArtifact, ForeignFolder or CorruptArtifact."""
    with open_run(run) as opened:
        steps = {step: _settings(step, opened.entry(step)) for step in KINDS if step in opened.steps}
        data = opened.report("prepare").get("source") if "prepare" in opened.steps else None
    return ConfigReport(run=str(run), data=data, steps=steps)


def _settings(step: str, entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    config, sources, report = with_new_names(entry["config"]), entry["sources"], entry["report"]
    if step == "tune":  # the settings of every trial are options of `tune` as well
        config |= with_new_names(config.pop("train", {}))
    sources = None if sources is None else with_new_names(sources)
    known = [field.name for field in fields(KINDS[step])]
    order = [*(name for name in known if name in config), *(name for name in config if name not in known)]
    found: dict[str, dict[str, Any]] = {}
    for name in order:
        source = UNKNOWN if sources is None else sources.get(name, "default")
        found[name] = {"value": config[name], "source": source}
        settled = report.get(name)
        if config[name] in LEFT_TO_THE_STEP and isinstance(settled, str | int | float):
            found[name]["settled"] = settled
    return found
