"""The record of a search: what identifies it, its trials, and the report that grows with each of them."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lstm_cli.config import TrainConfig
from lstm_cli.config.renamed import with_new_names
from lstm_cli.config.search_space import Choice, Range, Space, is_fixed, value_text
from lstm_cli.findings import Finding
from lstm_cli.rundir import Run, open_run
from lstm_cli.steps.shared.cached_report import restore_report
from lstm_cli.steps.shared.report_json import COMPARED, option_values, plain_value, to_plain
from lstm_cli.steps.tune.importance import setting_importance
from lstm_cli.steps.tune.search import best_trial
from lstm_cli.steps.tune.spec import DONE, SearchSpec, Trial

TRIALS, PICTURE = "trials.jsonl", "importance.png"
ANYWHERE = ("threads", "device")  # where, not what: any machine may go on with a search
TRAINED = (*COMPARED, "chosen_on")  # taken from the report of the winner's training
LISTED = ("number", "state", "score", "settings", "seconds", "reason")  # of a trial, in the report


@dataclass(frozen=True, kw_only=True)
class TuneReport:
    """What a search tried, what was best, and what mattered."""

    run: str
    method: str
    model: str
    space: dict[str, str]  # setting: its values, as --space takes them
    fixed: dict[str, Any]  # settings of every trial that differ from the defaults
    seed: int
    wanted: int  # trials
    states: dict[str, int]  # done, failed, pruned: how many
    metric: str | None  # on the validation rows; lower is better
    best: dict[str, Any] | None  # number, score, settings, metrics
    winner: dict[str, Any] | None  # settings that `train` uses from now on, its model among them
    importance: dict[str, dict[str, float | None]]  # setting: share of the scores' variance, rank correlation
    trials: list[dict[str, Any]]
    finished: bool  # the winner is the run's model
    val: dict[str, float | None] | None  # of the winner as it was trained for the run, before its refit
    val_baselines: dict[str, dict[str, float | None]] | None
    baseline_season: int | None  # of its report as the run's model, like the four below
    mase_season: int | None
    comparison: dict[str, Any] | None
    comparisons: dict[str, Any] | None
    chosen_on: dict[str, Any] | None  # the rows that chose the winner
    picture: str | None
    seconds: float  # of all trials
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return to_plain(self, absent=("up_to_date",))


def read_search(run: Path) -> TuneReport:
    """Return the report of the run's search, as far as it has come. Raises MissingArtifact where there is none."""
    with open_run(run) as opened:
        opened.artifact("tune").verify()
        return restore_report(TuneReport, opened, "tune")


def search_identity(search: SearchSpec) -> dict[str, Any]:
    """What makes a search the same one when it is begun again, but for its data: the entry's config."""
    config, fixed = search.config, asdict(search.fixed)
    common = {name: value for name, value in fixed.items() if name not in ANYWHERE}
    same: dict[str, Any] = plain_value(
        {
            "method": config.method,
            "space": space_text(search.space),
            "train": common,
            "storage": config.storage,
        }
    )
    return same


def study_name(search: SearchSpec, data: str) -> str:
    """A name that searches bear which look for the same on data of this digest, wherever they run."""
    same = {key: value for key, value in search_identity(search).items() if key != "storage"}
    told = json.dumps([same, data], sort_keys=True)
    return f"lstm tune {search.fixed.model} {hashlib.sha256(told.encode()).hexdigest()[:12]}"


def reusable_trials(run: Run, search: SearchSpec, *, force: bool = False) -> tuple[list[Trial], str]:
    """The trials that the run has of this very search; else none, and why those it has do not count.

    force: none count.
    """
    same = search_identity(search)
    if not run.has("tune"):
        return [], ""
    if force:
        return [], "--force asks for one"
    entry = run.entry("tune")
    if entry["read"]["data"]["sha256"] != run.digest("data"):
        return [], "the data are others now"
    there = {name: entry["config"].get(name) for name in same}
    there |= {
        name: with_new_names(there[name]) for name in ("train", "space") if isinstance(there[name], dict)
    }
    changed = [name for name in same if there[name] != same[name]]
    if changed:
        names = {"train": "the settings of every trial", "space": "the space", "method": "the method"}
        return [], f"{' and '.join(names.get(name, name) for name in changed)} changed"
    reader = run.artifact("tune")
    trials = reader.json_lines(TRIALS)
    with reader.parsing(TRIALS):
        return [
            {**trial, "number": int(trial["number"]), "settings": with_new_names(trial["settings"])}
            for trial in trials
            if trial["state"]
        ], ""


def space_text(space: Space) -> dict[str, str]:
    """The space as --space takes it."""

    def text(values: Range | Choice) -> str:
        if isinstance(values, Choice):
            return "|".join(value_text(one) for one in values.options)
        return f"{values.low:g}..{values.high:g}{':log' if values.log else ''}"

    return {name: text(values) for name, values in space.items()}


def fixed_settings(fixed: TrainConfig) -> dict[str, Any]:
    """The settings of every trial that differ from the defaults, the machine's own left out."""
    return {
        field.name: getattr(fixed, field.name)
        for field in fields(TrainConfig)
        if field.name not in ANYWHERE and is_fixed(field.name, fixed)
    }


def winning_settings(search: SearchSpec, trials: Sequence[Trial]) -> dict[str, Any] | None:
    """The settings of the best trial as `train` takes them; None where no trial came to a score."""
    best = best_trial(trials)
    if best is None:
        return None
    fixed = fixed_settings(search.fixed) | {"model": search.fixed.model}
    settings: dict[str, Any] = plain_value(fixed | best["settings"])
    return settings


def make_report(
    search: SearchSpec,
    trials: Sequence[Trial],
    *,
    winner: dict[str, Any] | None,
    trained: Mapping[str, Any] | None = None,
    picture: str | None = None,
    found: tuple[Finding, ...] = (),
) -> TuneReport:
    """The report of a search so far. trained: the report of the training that made its winner the run's model."""
    best = best_trial(trials)
    done = [trial for trial in trials if trial["state"] == DONE]
    return TuneReport(
        run=search.run,
        method=search.config.method,
        model=search.fixed.model,
        space=space_text(search.space),
        fixed=fixed_settings(search.fixed),
        seed=search.fixed.seed,
        wanted=search.wanted,
        states=dict(Counter(trial["state"] for trial in trials)),
        metric=best["metric"] if best else None,
        best={name: best[name] for name in ("number", "score", "settings", "metrics")} if best else None,
        winner=winner,
        importance=setting_importance(search.space, done),
        trials=[{name: trial[name] for name in LISTED} for trial in trials],
        finished=trained is not None,
        val=trained["val"] if trained else None,
        val_baselines=trained["val_baselines"] if trained else None,
        **{name: trained.get(name) if trained else None for name in TRAINED},  # type: ignore[arg-type]
        picture=picture,
        seconds=round(sum(trial["seconds"] for trial in trials), 2),
        **option_values(found),
    )
