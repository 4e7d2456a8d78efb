"""Work of `quantize` for each task. The modules of the work are imported late, because an up-to-date run needs none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lstm_cli.config import QuantizeConfig
from lstm_cli.events import Listener
from lstm_cli.rundir import ArtifactFolder, Run, require_fresh
from lstm_cli.steps.quantize.compare import Comparison
from lstm_cli.steps.shared.grown_data import require_fresh_or_grown
from lstm_cli.steps.shared.memory_estimate import MemoryNeed
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE

if TYPE_CHECKING:
    from lstm_cli.steps.quantize.sequences import QuantizeClassifierReport
    from lstm_cli.steps.quantize.text import QuantizeTextReport
    from lstm_cli.steps.quantize.windows import QuantizeReport

AnyReport: TypeAlias = "QuantizeReport | QuantizeClassifierReport | QuantizeTextReport"


@dataclass(frozen=True, kw_only=True)
class QuantizeWork:
    """Functions of `quantize` for a task."""

    error: str  # that --max-loss limits, in messages
    require_current: Callable[[Run], object]  # raises if the model is missing or out of date
    report: Callable[[], type[Any]]
    compare: Callable[[Run, QuantizeConfig, Listener, ArtifactFolder], Comparison]
    need: Callable[[Run], MemoryNeed | None]  # for --dry-run


def _report_of_forecasts() -> "type[QuantizeReport]":
    from lstm_cli.steps.quantize.windows import QuantizeReport

    return QuantizeReport


def _compare_forecasts(
    run: Run, config: QuantizeConfig, listen: Listener, folder: ArtifactFolder
) -> Comparison:
    from lstm_cli.steps.quantize.windows import compare_forecasts

    return compare_forecasts(run, config, listen, folder)


def _need_of_forecasts(run: Run) -> MemoryNeed:
    from lstm_cli.data.dataset.load import load_outline
    from lstm_cli.inference.trained_model import load_model
    from lstm_cli.steps.shared.memory_estimate import ALL_WINDOWS, scoring_need

    return scoring_need(*load_outline(run), load_model(run), windows=ALL_WINDOWS)


def _report_of_sequences() -> "type[QuantizeClassifierReport]":
    from lstm_cli.steps.quantize.sequences import QuantizeClassifierReport

    return QuantizeClassifierReport


def _compare_sequences(
    run: Run, config: QuantizeConfig, listen: Listener, folder: ArtifactFolder
) -> Comparison:
    from lstm_cli.steps.quantize.sequences import compare_classifiers

    return compare_classifiers(run, config, listen, folder)


def _report_of_text() -> "type[QuantizeTextReport]":
    from lstm_cli.steps.quantize.text import QuantizeTextReport

    return QuantizeTextReport


def _compare_text(run: Run, config: QuantizeConfig, listen: Listener, folder: ArtifactFolder) -> Comparison:
    from lstm_cli.steps.quantize.text import compare_text_models

    return compare_text_models(run, config, listen, folder)


WORK: Mapping[str, QuantizeWork] = {
    FORECAST.name: QuantizeWork(
        error="error",
        require_current=require_fresh_or_grown,
        report=_report_of_forecasts,
        compare=_compare_forecasts,
        need=_need_of_forecasts,
    ),
    CLASSIFY.name: QuantizeWork(
        error="log-loss",
        require_current=lambda run: require_fresh(run, "model"),
        report=_report_of_sequences,
        compare=_compare_sequences,
        need=lambda run: None,
    ),
    GENERATE.name: QuantizeWork(
        error="loss",
        require_current=lambda run: require_fresh(run, "model"),
        report=_report_of_text,
        compare=_compare_text,
        need=lambda run: None,
    ),
}
