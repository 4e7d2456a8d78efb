"""Work of `export` for each task. The modules of the work are imported late: torch takes seconds to start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_cli.config import ExportConfig
from lstm_cli.events import Listener
from lstm_cli.export.formats import CLASSIFIER_FORMATS, FORMATS, Format
from lstm_cli.rundir import Run
from lstm_cli.steps.export.content import Content
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE


@dataclass(frozen=True, kw_only=True)
class ExportWork:
    """Functions of `export` for a task."""

    formats: Mapping[str, Format]
    unsupported: str = ""  # why the other formats are not possible
    load: Callable[
        [Run, ExportConfig], Any
    ]  # checked facts about the model; None: the data of a run without one
    content: Callable[[Run, ExportConfig, Any, Listener], Content]


def _load_forecaster(run: Run, config: ExportConfig) -> Any:
    from lstm_cli.steps.export.windows import current_model

    # Windows need only the data, so they can be exported before training.
    return current_model(run, config) if config.to != "npz" or run.has("model") else None


def _content_of_forecasts(run: Run, config: ExportConfig, model: Any, listen: Listener) -> Content:
    from lstm_cli.steps.export.windows import network_content, windows_content

    if config.to == "npz" or model is None:
        return windows_content(run, model, listen)
    return network_content(run, config, model, listen)


def _load_classifier(run: Run, config: ExportConfig) -> Any:
    from lstm_cli.steps.export.sequences import current_classifier

    return current_classifier(run, config) if config.to != "npz" or run.has("model") else None


def _content_of_sequences(run: Run, config: ExportConfig, model: Any, listen: Listener) -> Content:
    from lstm_cli.steps.export.sequences import network_content, sequences_content

    if config.to == "npz" or model is None:
        return sequences_content(run, model, listen)
    return network_content(run, config, model, listen)


def _load_text(run: Run, config: ExportConfig) -> Any:
    from lstm_cli.steps.export.text import current_text

    return current_text(run, config)


def _content_of_text(run: Run, config: ExportConfig, model: Any, listen: Listener) -> Content:
    from lstm_cli.steps.export.text import text_content

    return text_content(run, config, model)


WORK: Mapping[str, ExportWork] = {
    FORECAST.name: ExportWork(formats=FORMATS, load=_load_forecaster, content=_content_of_forecasts),
    CLASSIFY.name: ExportWork(
        formats=CLASSIFIER_FORMATS,
        unsupported="Keras has no layers for its padded sequences and its simple model",
        load=_load_classifier,
        content=_content_of_sequences,
    ),
    GENERATE.name: ExportWork(
        formats={name: FORMATS[name] for name in ("onnx", "safetensors")},
        unsupported="the state of its layers goes in and out of each call",
        load=_load_text,
        content=_content_of_text,
    ),
}
