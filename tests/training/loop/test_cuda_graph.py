"""Tests of steps as a CUDA graph: replays equal eager steps. Without a GPU, tests of the order of calls."""

import gc
import weakref
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from small_data import dataset, plan, wave
from torch import Tensor, nn

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import DeviceError
from lstm_cli.events import Note, ignore_events
from lstm_cli.models.registry import Architecture
from lstm_cli.models.segment_lstm import SegmentLSTM
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.loop import cuda_graph
from lstm_cli.training.loop.batches import prefetch_to_device, stacked_batches
from lstm_cli.training.loop.cuda_graph import MAX_QUEUED_STEPS, CudaGraphStep, GpuQueueLimiter
from lstm_cli.training.loop.fit import FitResult, fit
from lstm_cli.training.loop.out_of_memory import fit_in_memory
from lstm_cli.training.setup.checkpoint_state import CheckpointSlot, SavedState
from lstm_cli.training.setup.hyperparameters import Hyperparameters
from lstm_cli.training.windows import validation
from lstm_cli.training.windows.device_windows import DeviceWindows

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: make test-gpu")
CPU = torch.device("cpu")


# Order of calls, without a GPU


class FakeGraph:
    """Replays by calling what was recorded."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def register_generator_state(self, generator: torch.Generator) -> None:
        self.log.append("generator")

    def replay(self) -> None:
        self.log.append("replay")


class FakeStream:
    """Logs which stream waits for which."""

    device = CPU

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def wait_stream(self, other: "FakeStream") -> None:
        self.log.append(f"{self.name} waits for {other.name}")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the log of calls to a fake GPU."""
    log: list[str] = []
    aside, here = FakeStream("aside", log), FakeStream("here", log)

    @contextmanager
    def stream(chosen: FakeStream) -> Any:
        log.append(f"on {chosen.name}")
        yield

    @contextmanager
    def graph(graph: FakeGraph, *, stream: FakeStream, capture_error_mode: str) -> Any:
        log.append(f"records on {stream.name}, {capture_error_mode}")
        yield

    monkeypatch.setattr(cuda_graph, "_recording_stream", lambda device, thread: aside)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: here)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: FakeGraph(log))
    return log


PLAINLY = ["aside waits for here", "on aside", "step", "here waits for aside"]


def test_a_step_runs_eagerly_then_is_recorded_once_and_replayed(log: list[str]) -> None:
    seen: list[list[int]] = []

    def step(chosen: Tensor) -> Tensor:
        log.append("step")
        seen.append(chosen.tolist())
        return chosen * 10

    take = CudaGraphStep(step, batch_size=2, device=CPU, generator=torch.Generator())
    result = [take(torch.tensor([number, number])) for number in range(5)]
    recording = ["generator", "records on aside, thread_local", "step"]
    assert log == [*PLAINLY, *PLAINLY, *PLAINLY, *recording, "replay", "replay"]
    assert [item.tolist() for item in result[:3]] == [[0, 0], [10, 10], [20, 20]]
    assert seen[3] == [0, 0]  # the recording reads no window
    assert take._indices.tolist() == [4, 4]
    assert result[3].data_ptr() != result[4].data_ptr()  # a separate result for each step


def test_out_of_memory_while_recording_is_raised_and_frees_the_step(log: list[str]) -> None:
    activations: list[weakref.ref[Tensor]] = []

    def step(chosen: Tensor) -> Tensor:
        large = torch.zeros(3)
        activations.append(weakref.ref(large))
        if len(activations) > cuda_graph.EAGER_STEPS:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return large.sum()

    take = CudaGraphStep(step, batch_size=1, device=CPU, generator=torch.Generator())
    gc.disable()
    try:
        for number in range(cuda_graph.EAGER_STEPS):
            take(torch.tensor([number]))
        with pytest.raises(torch.OutOfMemoryError, match="out of memory"):
            take(torch.tensor([9]))
        assert [item() for item in activations] == [None] * 4
    finally:
        gc.enable()


def test_the_gpu_queue_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []

    class Event:
        def __init__(self, blocking: bool) -> None:
            self.number = sum(entry.startswith("end") for entry in log)

        def record(self, stream: str) -> None:
            log.append(f"end {self.number} on {stream}")

        def synchronize(self) -> None:
            log.append(f"wait {self.number}")

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: "its stream")
    pace = GpuQueueLimiter(torch.device("cuda", 3))
    for _ in range(MAX_QUEUED_STEPS + 2):
        pace.wait()
    ends = [f"end {number} on its stream" for number in range(MAX_QUEUED_STEPS + 2)]
    assert log == [*ends[:-1], "wait 0", ends[-1], "wait 1"]
    GpuQueueLimiter(CPU).wait()


@pytest.mark.parametrize(("size", "together"), [(2, [5]), (400, [2, 2, 1]), (5_000, [1] * 5)])
def test_indices_are_transferred_in_stacks_and_never_too_many(
    size: int, together: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstm_cli.training.loop.batches.TRANSFER_INDICES", 1_000)
    order = (torch.full((size,), number) for number in range(100))
    result = list(stacked_batches(order, 5))
    assert [len(each) for each in result] == together
    assert torch.cat(result)[:, 0].tolist() == list(range(5))
    assert int(next(order)[0]) == 5


@pytest.mark.parametrize("device", [CPU, pytest.param(torch.device("cuda"), marks=gpu)])
def test_transferred_indices_follow_the_order(device: torch.device) -> None:
    order = (torch.tensor([number, number + 1]) for number in range(100))
    assert [each.tolist() for each in prefetch_to_device(order, 3, device)] == [[0, 1], [1, 2], [2, 3]]
    assert next(order).tolist() == [3, 4]


# On a GPU


def windows(split: str = "train", device: str = "cuda") -> DeviceWindows:
    series = [wave(90, 2), wave(70, 2, seed=4)]
    data = dataset(series, train_end=[50, 40], val_end=[70, 55], lookback=8, horizon=4, future=1)
    return DeviceWindows.from_windows(split_windows(data, split), torch.device(device))


def stacked(**settings: Any) -> StackedLSTM:
    torch.manual_seed(0)
    shape = {"inputs": 2, "targets": 1, "known_ahead": 1, "lookback": 8, "horizon": 4}
    return StackedLSTM(**shape, **{"hidden": (4, 4), "dropout": 0.2} | settings)


def segment() -> SegmentLSTM:
    torch.manual_seed(0)
    shape = {"inputs": 2, "targets": 1, "known_ahead": 1, "lookback": 8, "horizon": 4}
    return SegmentLSTM(**shape, segment=4, seasons=(4,), hidden=4, dropout=0.2, anchored=False)


def run(
    model: nn.Module, settings: Hyperparameters, keep: CheckpointSlot | None = None, device: str = "cuda"
) -> FitResult:
    return fit(
        model.to(device),
        windows(device=device),
        validation.loss_validator(windows("val", device), "mae"),
        settings,
        part="a part",
        listen=ignore_events,
        should_stop=lambda: None,
        **({} if keep is None else {"slot": keep}),
    )


def equal(item: FitResult, other: FitResult) -> bool:
    """Return whether two results agree in everything except times."""
    events = [
        [{name: value for name, value in entry.items() if name != "seconds"} for entry in each.history]
        for each in (item, other)
    ]
    same = all(torch.equal(value, other.weights[name]) for name, value in item.weights.items())
    return same and events[0] == events[1]


NETWORKS = {
    "stacked": stacked,
    "everything": lambda: stacked(bidirectional=True, batch_norm=True, attention=2, head="seq2seq"),
    "pooled": lambda: stacked(layer_norm=True, head="attention"),
    "segment": segment,
}


@gpu
@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.parametrize(
    "settings",
    [
        {"averaged": True, "clip_norm": 1.0, "schedule": "cosine", "warmup": 3, "weight_decay": 1e-4},
        {"bf16": True, "clip_value": 0.5},
        {"optimizer": "adam", "max_norm": 1.0, "schedule": "plateau", "loss": "mse"},
        {"optimizer": "sgd", "loss": "huber"},
        {"optimizer": "rmsprop", "clip_norm": 0.1},
    ],
)
def test_replayed_steps_equal_eager_steps(
    network: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    once, repeated = (run(NETWORKS[network](), plan(**settings)) for _ in range(2))
    monkeypatch.setattr(cuda_graph, "EAGER_STEPS", 1_000)
    plainly = run(NETWORKS[network](), plan(**settings))
    assert equal(once, repeated)
    assert equal(once, plainly)
    assert len({entry["train_loss"] for entry in once.history}) == len(once.history)  # weights changed


@gpu
def test_a_resumed_training_on_a_gpu_equals_an_uninterrupted_one() -> None:
    settings, states = plan(averaged=True, clip_norm=1.0, epochs=4), list[SavedState]()
    whole = run(segment(), settings, CheckpointSlot(save=states.append))
    for state in states:
        assert equal(whole, run(segment(), settings, CheckpointSlot(stored=state)))


@gpu
@pytest.mark.parametrize("make", [lambda: stacked(dropout=0.0), stacked])
def test_a_gpu_trains_what_the_cpu_trains(make: Any) -> None:
    """TF32 and the order of sums cause small differences; dropout is off, because its random numbers differ."""
    here, there = (run(make(), plan(lr=1e-3), device=device) for device in ("cpu", "cuda"))
    if make().dropout.share == 0:
        assert there.best_loss == pytest.approx(here.best_loss, rel=5e-3)
    assert there.weights.keys() == here.weights.keys()
    assert all(value.device.type == "cpu" for value in there.weights.values())


@gpu
def test_a_batch_that_does_not_fit_on_the_gpu_is_halved_until_it_does() -> None:
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 1e9) / total)
    try:
        events: list[object] = []
        large = replace(plan(epochs=1), batch_size=65_536)

        def attempt(shrink: bool) -> Hyperparameters:
            return fit_in_memory(
                stacked(hidden=(256, 256)).cuda(),
                windows(),
                None,
                large,
                architecture=Architecture(name="stacked", settings={}),  # for other ranks
                shrink=shrink,
                part="a part",
                listen=events.append,
                should_stop=lambda: None,
            )[0]

        with pytest.raises(DeviceError, match="65536 windows"):
            attempt(shrink=False)
        followed = attempt(shrink=True)
        assert 64 < followed.batch_size < 65_536
        assert any(isinstance(event, Note) and "trying" in event.text for event in events)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
