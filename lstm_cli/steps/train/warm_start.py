"""Warm start of `train --from RUN2`: another run's model whose weights are the start of a training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.config.search_space import value_text
from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable
from lstm_cli.data.times.formats import iso_time
from lstm_cli.errors import ArtifactError, UsageError
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_model import WEIGHTS_BEFORE_REFIT, TrainedModel, load_model
from lstm_cli.rundir import Run, command

if TYPE_CHECKING:
    from lstm_cli.training.recipes.result import TrainingResult
    from lstm_cli.training.setup.start_weights import StartWeights

INPUT = "start"  # name of the start among the inputs of `train` in the manifest
SHIPPED, BEFORE_REFIT = "shipped", "before the refit"


@dataclass(frozen=True, kw_only=True)
class Start:
    """Model at which a training starts. It is a snapshot of its run, which must stay open until `load`."""

    source: Run
    own: bool  # it is the model of the trained run

    @property
    def path(self) -> str:
        """Return the path of its run."""
        return str(self.source.path)

    @property
    def digest(self) -> str:
        """Return the digest of the model."""
        return self.source.digest("model") or ""

    @property
    def version(self) -> int:
        """Return the number of the model in its run."""
        return int(self.source.artifact("model").folder.name)

    @property
    def fact(self) -> dict[str, Any]:
        """Return the model as an input of a step."""
        files = self.source.artifact("model").files.values()
        return {"sha256": self.digest, "size": sum(file["size"] for file in files)}


@dataclass(frozen=True, kw_only=True)
class WarmStart(Start):
    """Forecasting model at which a training starts."""

    model: TrainedModel

    def choose_weights(self, dataset: Dataset) -> str:
        """Return SHIPPED, or BEFORE_REFIT if the refit has learnt rows that validate or test the new model."""
        shipped = learnt_splits(self.model, dataset, refitted=self.model.refitted)
        has_others = self.source.artifact("model").has(WEIGHTS_BEFORE_REFIT)
        return BEFORE_REFIT if shipped and self.model.refitted and has_others else SHIPPED

    def load(self, weights: str) -> "StartWeights":
        """Return the weights for a training. Raise CorruptArtifact if their file is corrupt."""
        from safetensors.torch import load

        from lstm_cli.training.setup.start_weights import StartWeights

        reader = self.source.artifact("model")
        file = WEIGHTS_BEFORE_REFIT if weights == BEFORE_REFIT else "weights.safetensors"
        data = reader.bytes(file)
        with reader.parsing(file):
            return StartWeights(self.model.name, self.model.settings, load(data))

    def leakage(self, dataset: Dataset, weights: str) -> Finding | None:
        """Return a warning if the weights have learnt rows that validate or test the new model.

        Args:
            dataset: data of the new model.
            weights: weights that are taken.
        """
        splits = learnt_splits(self.model, dataset, refitted=self.model.refitted and weights == SHIPPED)
        if not splits:
            return None
        named = " and ".join({"val": "validation", "test": "test"}[split] for split in splits)
        until, begin = next(iter(splits.values()))
        text = (
            f"the model of {self.path} has learnt rows until {until}, and the {named} rows begin at {begin}: if both "
            f"runs have the same source, the scores on the {named} rows are too good (leave out --from)"
        )
        return Finding(rule="M213", kind=MODEL, text=text, flags=("--from",))

    def facts(self, trained: "TrainingResult", weights: str) -> dict[str, Any]:
        """Return the facts for the report.

        Args:
            trained: result of the training.
            weights: weights that were taken.
        """
        return {
            "run": self.path,
            "own": self.own,
            "version": self.version,
            "digest": self.digest,
            "weights": weights,
            "parts": [
                {"part": each.part, "taken": list(each.taken), "left": dict(each.left)}
                for each in trained.taken
            ],
            "other_scaling": self.model.scaler.kind != trained.dataset.scaler.kind
            or self.model.scaler.log_transformed != trained.dataset.scaler.log_transformed,
        }


def check_start(source: Run, run: Run, config: TrainConfig, schema: Schema) -> WarmStart:
    """Return the start of a training after a check that its weights can be taken.

    Args:
        source: run of the start.
        run: run to train.
        config: settings of the training.
        schema: columns of the run to train.

    Raises:
        MissingArtifact, CorruptArtifact: the source has no model, or a corrupt one.
        UsageError: a setting of the training excludes the start.
        ArtifactError: the model has other columns, or no network.
    """
    model = load_model(source)
    _require_settings(source, model, config)
    _require_columns(source, model.schema, schema, run)
    return WarmStart(source=source, own=is_same_folder(source.path, run.path), model=model)


def start_text(path: str, version: int, weights: str, *, new: str = "linear forecast") -> str:
    """Return a line about the model at which a training starts.

    Args:
        path: run of the model.
        version: number of the model.
        weights: SHIPPED or BEFORE_REFIT.
        new: what the training does not take, besides the scaling.
    """
    refit = ", with its weights before the refit" if weights == BEFORE_REFIT else ""
    return f"starting at the weights of {path}, model {version}{refit}; scaling and {new} are new"


def is_same_folder(path: Path, other: Path) -> bool:
    """Return whether two paths are the same folder."""
    try:
        return path.samefile(other)
    except OSError:
        return False


def started_alike(entry: Mapping[str, Any], start: Start | None) -> bool:
    """Return whether an entry of `train` has the same start as a training.

    A model that started at its own run counts as started alike, because with the same data it would only go on.

    Args:
        entry: entry of `train` in the manifest.
        start: start of the training; None: random weights.
    """
    recorded = entry["read"].get(INPUT)
    if start is None or recorded is None:
        return recorded is None and start is None
    own = bool((entry["report"].get("warm_start") or {}).get("own"))
    return bool(recorded["sha256"] == start.digest) or (start.own and own)


def learnt_splits(model: TrainedModel, dataset: Dataset, *, refitted: bool) -> dict[str, tuple[str, str]]:
    """Return the splits of which a model has learnt rows: the last row that it learnt, and the first row of the split.

    Only series with the same name and data with times are compared.

    Args:
        model: model at which a training starts.
        dataset: data of the training.
        refitted: the model was trained on its validation rows too.
    """
    schema, table, theirs = dataset.schema, dataset.series, model.series
    if schema.time_name is None or model.schema.time_name is None:
        return {}
    known = {name: index for index, name in enumerate(theirs.names)}
    pairs = [(index, known[name]) for index, name in enumerate(table.names) if name in known]
    if not pairs:
        return {}
    own, other = (np.array(column) for column in zip(*pairs, strict=True))
    ends = theirs.val_end if refitted else theirs.train_end
    learnt = _times(model.schema, theirs, other, ends[other] - 1)
    found = {}
    for split, begins in (("val", table.train_end), ("test", table.val_end)):
        size = (table.val_end - table.train_end if split == "val" else table.count - table.val_end)[own]
        first = _times(schema, table, own, begins[own])
        late = (learnt >= first) & (size > 0)
        if late.any():
            index = int(np.flatnonzero(late)[0])
            moments = (int(learnt[index]), int(first[index]))
            until, begin = (iso_time(moment, schema.time_format) for moment in moments)
            found[split] = (until, begin)
    return found


def _times(schema: Schema, table: SeriesTable, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the times [n] of a row of each series, in microseconds."""
    return np.asarray(schema.step.times(rows, table.origin_us[series]))


def _require_settings(source: Run, model: TrainedModel, config: TrainConfig) -> None:
    """Raise an error if the settings of a training exclude the weights of a model."""
    path = source.path
    if config.parts and set(config.parts) == {"linear"}:
        raise UsageError(
            "--from has no network to start, because --parts names only the linear forecast",
            hint="add a network, e.g. --parts free",
            flag="--from",
        )
    require_free_weights(config)
    if model.name != config.model:
        raise UsageError(
            f"--from {path}: its model is {model.name}, and --model is {config.model}",
            hint=f"add --model {model.name}",
            flag="--from",
        )
    if model.name == "segment" and not set(model.parts) & {"anchored", "free"}:
        raise ArtifactError(
            f"the model of {path} has no network, only the linear forecast",
            hint=f"train one: '{command('train', path)}'",
        )
    hidden = model.settings["hidden"]
    sizes = hidden if isinstance(hidden, list) else [hidden]
    if sizes[0] != config.sizes[0]:  # no LSTM layer fits
        own_sizes = value_text(list(config.sizes))
        raise UsageError(
            f"--from {path}: its LSTM has --hidden {value_text(sizes)}, and that of this training {own_sizes}",
            hint=f"add --hidden {value_text(sizes)}",
            flag="--from",
        )


def require_free_weights(config: TrainConfig) -> None:
    """Raise UsageError for a setting of the initial weights, which a start sets too."""
    for flag, given in (("--init", config.init is not None), ("--forget-bias", config.forget_bias)):
        if given:
            raise UsageError(
                f"{flag} and --from cannot be combined: both set the initial weights",
                hint="leave out one of them",
                flag=flag,
            )


def _require_columns(source: Run, theirs: Schema, own: Schema, run: Run) -> None:
    """Raise ArtifactError if a model has other inputs than the data of a run."""
    kinds = {
        "targets": (theirs.targets, own.targets),
        "past covariates": (theirs.past, own.past),
        "future covariates": (theirs.future, own.future),
        "calendar, holiday and static inputs": (theirs.derived, own.derived),
    }
    differences = [
        f"{kind} {_names(before)} instead of {_names(after)}"
        for kind, (before, after) in kinds.items()
        if before != after
    ]
    if differences:
        raise ArtifactError(
            f"the model of {source.path} has other columns than {run.path}: {', '.join(differences)}",
            hint=f"prepare one of the runs again with the columns of the other: '{command('prepare', run.path)}'",
        )


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"
