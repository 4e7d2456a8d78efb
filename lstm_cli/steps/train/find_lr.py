"""Learning rate range test of `train --find-lr`: it draws a plot and does not change the run's model."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Note, Progressed
from lstm_cli.rundir import Run, check_output, logs_folder, open_run, replace_file
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.shared.report_json import to_plain
from lstm_cli.steps.train.sequence_start import check_sequence_start
from lstm_cli.steps.train.warm_start import SHIPPED, check_start, start_text
from lstm_cli.steps.train.work import WORK
from lstm_cli.tasks.records import CLASSIFY, FORECAST
from lstm_cli.tasks.settle import require_own_options, require_start, require_verb, task_of

if TYPE_CHECKING:
    from lstm_cli.training.lr_range_test import RangeTest

ShouldStop: TypeAlias = Callable[[], int | None]
RunTests: TypeAlias = "Callable[[int, ShouldStop], list[RangeTest]]"  # threads
PICTURE = "find-lr.png"  # in the run's logs/


@dataclass(frozen=True, kw_only=True)
class FindLrReport:
    """Report of a range test: suggested learning rate and the losses at each rate."""

    run: str
    model: str
    suggestion: float | None  # lowest suggestion of all networks; None if no rate lowers the loss
    # Each network: part, suggestion, fall, lowest_at, and the lists lr, loss and smoothed with a value for each step.
    parts: list[dict[str, Any]]
    device: str
    threads: int
    seed: int
    picture: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def find_lr(
    run: Path,
    config: TrainConfig,
    output: str | None,
    listen: Listener,
    *,
    start: Path | None = None,
    should_stop: Callable[[], int | None] = lambda: None,
    network: TrainOfTasks | None = None,
) -> FindLrReport:
    """Run a learning rate range test on each network of `config` and draw the losses.

    The trained weights are discarded, and the run is not locked.

    Args:
        run: run directory with prepared data.
        config: settings of the model and its training.
        output: path of the picture; None: in `logs/` of the run.
        listen: receives notes and progress.
        start: run whose model is the start of the networks; None: random weights.
        should_stop: returns the signal that ends the test, or None.
        network: settings of a classifier of sequences; None: their defaults.

    Raises:
        MissingArtifact: the run has no data, or the start has no model.
        UsageError: the config names no network, or the output path is invalid.
        OutputError: the picture cannot be written.
        DeviceError: the device was not found or is out of memory.
        Interrupted: a signal ended the test.
    """
    began = time.monotonic()
    if config.parts and set(config.parts) == {"linear"}:
        raise UsageError(
            "--find-lr has no network to train, because --parts names only the linear forecast",
            hint="add a network, e.g. --parts free",
            flag="--find-lr",
        )
    require_installed("--find-lr", "matplotlib", "torch")
    with ExitStack() as stack:
        opened = stack.enter_context(open_run(run))
        require_verb(opened, "train --find-lr")
        task, network = task_of(opened), network or TrainOfTasks()
        require_own_options(task, "train", config, network)
        config = WORK[task.name].settle(config, network, start)
        source = None if start is None else stack.enter_context(open_run(start))
        if source is not None:
            require_start(source, opened)
        test = TESTS[task.name](opened, source, config, listen)
    path = Path(output) if output is not None else logs_folder(run) / PICTURE
    check_output(path, run=run if output is not None else None)
    from lstm_cli.training.setup.device import choose_device, device_label, usable_cores

    threads = config.threads or usable_cores()
    tests = test(threads, should_stop)
    listen(Progressed(stage="drawing", done=0))
    replace_file(path, [_picture(tests)])
    return FindLrReport(
        run=str(run),
        model=config.model,
        suggestion=min((test.suggestion for test in tests if test.suggestion is not None), default=None),
        parts=[_part(test) for test in tests],
        device=device_label(choose_device(config.device)),
        threads=threads,
        seed=config.seed,
        picture=str(path),
        seconds=round(time.monotonic() - began, 2),
    )


def _forecast_test(run: Run, source: Run | None, config: TrainConfig, listen: Listener) -> RunTests:
    """Return the function that tests the networks of a forecast; the data and the start are read now."""
    dataset = load_dataset(run)
    initial = None
    if source is not None:
        warm = check_start(source, run, config, dataset.schema)
        weights = warm.choose_weights(dataset)
        listen(Note(text=start_text(warm.path, warm.version, weights)))
        initial = warm.load(weights)

    def tests(threads: int, should_stop: ShouldStop) -> "list[RangeTest]":
        from lstm_cli.training.lr_range_test import run_range_tests

        return run_range_tests(
            dataset, config, threads=threads, listen=listen, should_stop=should_stop, start=initial
        )

    return tests


def _sequence_test(run: Run, source: Run | None, config: ClassifyTrainConfig, listen: Listener) -> RunTests:
    """Return the function that tests the network of a classifier; the data and the start are read now."""
    data = load_data(run)
    initial = None
    if source is not None:
        warm = check_sequence_start(source, run, config)
        listen(Note(text=start_text(warm.path, warm.version, SHIPPED, new="simple model")))
        initial = warm.load(), warm.left_out(data.schema)

    def tests(threads: int, should_stop: ShouldStop) -> "list[RangeTest]":
        from lstm_cli.training.sequences.range_test import run_classifier_range_test

        return [
            run_classifier_range_test(
                data, config, threads=threads, listen=listen, should_stop=should_stop, start=initial
            )
        ]

    return tests


# By task.
TESTS: Mapping[str, Callable[[Run, Run | None, Any, Listener], RunTests]] = {
    FORECAST.name: _forecast_test,
    CLASSIFY.name: _sequence_test,
}


def _part(test: "RangeTest") -> dict[str, Any]:
    return {
        "part": test.part,
        "suggestion": test.suggestion,
        "fall": test.fall,
        "lowest_at": float(test.lr[test.lowest]),
        "lr": test.lr.tolist(),
        "loss": test.loss.tolist(),
        "smoothed": test.smoothed.tolist(),
    }


def _picture(tests: "list[RangeTest]") -> bytes:
    from lstm_cli.plots.lr_range_test import RateCurve, draw_range_test

    return draw_range_test(
        [
            RateCurve(
                title=test.part,
                lr=test.lr,
                loss=test.loss,
                smoothed=test.smoothed,
                suggestion=test.suggestion,
            )
            for test in tests
        ]
    )
