"""Record of a search: its identity, its trials and its report, which grows with each trial."""

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
from lstm_cli.rundir import Run, open_run, reading_manifest
from lstm_cli.steps.shared.cached_report import restore_report
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import COMPARISON_KEYS, finding_fields, plain_value, to_plain
from lstm_cli.steps.tune.importance import setting_importance
from lstm_cli.steps.tune.search import best_trial
from lstm_cli.steps.tune.spec import DONE, SearchSpec, Trial
from lstm_cli.tasks.records import CLASSIFY
from lstm_cli.tasks.settle import require_verb

TRIALS, PICTURE = "trials.jsonl", "importance.png"
MACHINE_SETTINGS = ("threads", "device")  # another machine may resume a search, so these may change
TRAINED = (*COMPARISON_KEYS, "chosen_on")  # fields copied from the report of the winner's training
NAMED = {CLASSIFY.name: CLASSIFY.name}  # tasks that the report names
LISTED = ("number", "state", "score", "settings", "seconds", "reason")  # fields of a trial in the report


@dataclass(frozen=True, kw_only=True)
class TuneReport(HtmlReport):
    """Report of a search: its trials, its winner and the importance of each setting."""

    run: str
    task: str | None = None  # of a run of another task than a forecast
    method: str
    model: str
    space: dict[str, str]  # setting: its values, as --space takes them
    fixed: dict[str, Any]  # settings that all trials share and that differ from the defaults
    seed: int
    wanted: int  # trials
    states: dict[str, int]  # number of done, failed and pruned trials
    metric: str | None  # on the validation rows; lower is better
    best: dict[str, Any] | None  # number, score, settings, metrics
    winner: dict[str, Any] | None  # settings that `train` uses from now on, with the model
    importance: dict[str, dict[str, float | None]]  # setting: share of the scores' variance, rank correlation
    trials: list[dict[str, Any]]
    finished: bool  # the winner is the run's model
    val: dict[str, float | None] | None  # of the run's model, before its refit
    val_baselines: dict[str, dict[str, float | None]] | None
    baseline_season: int | None  # this and the next four fields come from the report of the run's model
    mase_season: int | None
    comparison: dict[str, Any] | None
    comparisons: dict[str, Any] | None
    chosen_on: dict[str, Any] | None  # the rows that chose the winner
    picture: str | None
    seconds: float  # of all trials
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    up_to_date: bool | None = None  # True: nothing changed, and this is the stored report

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("up_to_date", "task"))


def read_search(run: Path) -> TuneReport:
    """Return the report of the run's search so far.

    Raises:
        MissingArtifact: the run has no search.
        UsageError: the task of the run has none.
    """
    with open_run(run) as opened:
        require_verb(opened, "tune")
        opened.artifact("tune").verify()
        return restore_report(TuneReport, opened, "tune")


def search_identity(search: SearchSpec) -> dict[str, Any]:
    """Return the settings that identify a search, without its data.

    They are stored in the manifest. A search is resumed only if they and the data are equal.
    """
    config, fixed = search.config, asdict(search.fixed)
    common = {name: value for name, value in fixed.items() if name not in MACHINE_SETTINGS}
    identity: dict[str, Any] = plain_value(
        {
            "method": config.method,
            "space": space_text(search.space),
            "train": common,
            "storage": config.storage,
        }
    )
    return identity


def study_name(search: SearchSpec, data: str) -> str:
    """Return the name of the study, equal on all machines for equal searches on data of this digest."""
    identity = {key: value for key, value in search_identity(search).items() if key != "storage"}
    text = json.dumps([identity, data], sort_keys=True)
    return f"lstm tune {search.fixed.model} {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def reusable_trials(run: Run, search: SearchSpec, *, force: bool = False) -> tuple[list[Trial], str]:
    """Return the run's trials of this search, or no trials and the reason why a new search starts.

    Args:
        run: run that may have an artifact of `tune`.
        search: search that was asked for.
        force: reuse no trial.
    """
    identity = search_identity(search)
    if not run.has("tune"):
        return [], ""
    if force:
        return [], "--force was given"
    with reading_manifest(run.path):
        entry = run.entry("tune")
        if entry["read"]["data"]["sha256"] != run.digest("data"):
            return [], "the data changed"
        stored = {name: entry["config"].get(name) for name in identity}
        stored |= {
            name: with_new_names(stored[name])
            for name in ("train", "space")
            if isinstance(stored[name], dict)
        }
    changed = [name for name in identity if stored[name] != identity[name]]
    if changed:
        names = {"train": "the fixed settings", "space": "the search space", "method": "the method"}
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
    """Return the values of each setting in the syntax of --space."""

    def text(values: Range | Choice) -> str:
        if isinstance(values, Choice):
            return "|".join(value_text(option) for option in values.options)
        return f"{values.low:g}..{values.high:g}{':log' if values.log else ''}"

    return {name: text(values) for name, values in space.items()}


def fixed_settings(fixed: TrainConfig) -> dict[str, Any]:
    """Return the shared settings that differ from the defaults, without those of the machine."""
    return {
        field.name: getattr(fixed, field.name)
        for field in fields(fixed)
        if field.name not in MACHINE_SETTINGS and is_fixed(field.name, fixed)
    }


def winning_settings(search: SearchSpec, trials: Sequence[Trial]) -> dict[str, Any] | None:
    """Return the settings of the best trial for `train`; None if no trial has a score."""
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
    findings: tuple[Finding, ...] = (),
) -> TuneReport:
    """Return the report of a search so far.

    Args:
        search: search space, settings and number of trials.
        trials: recorded trials.
        winner: settings that `train` uses from now on, or None.
        trained: report of the training of the winner as the run's model, or None.
        picture: path of the plot, or None.
        findings: warnings about the search.
    """
    best = best_trial(trials)
    done = [trial for trial in trials if trial["state"] == DONE]
    return TuneReport(
        run=search.run,
        task=NAMED.get(search.task),
        method=search.config.method,
        model=search.fixed.model,
        space=space_text(search.space),
        fixed=fixed_settings(search.fixed),
        seed=search.fixed.seed,
        wanted=search.max_trials,
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
        **finding_fields(findings),
    )
