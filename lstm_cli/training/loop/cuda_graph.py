"""Optimizer steps on a GPU as one CUDA graph: recorded once, then replayed without Python's overhead.

A step of a small network is hundreds of kernels of a few microseconds each. Launching them one by one takes longer than
running them. A replay launches all of them at once, on the same memory. Values that change between steps are stored on
the device.
"""

import threading
from collections import deque
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

MAX_QUEUED_STEPS = 4  # steps in the GPU queue, enough to keep the GPU busy
EAGER_STEPS = (
    3  # steps before the recording, in which libraries choose kernels and the optimizer creates its state
)
_recording_lock = threading.Lock()


class GpuQueueLimiter:
    """Limit of a few steps on the GPU queue, so that a signal does not wait for a long queue."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._ends: deque[torch.cuda.Event] = deque()

    def wait(self) -> None:
        """Wait until an earlier step has finished; call it after each step is launched. The CPU has no queue."""
        if self._device.type == "cpu":
            return
        end = torch.cuda.Event(blocking=True)
        end.record(torch.cuda.current_stream(self._device))
        self._ends.append(end)
        if len(self._ends) > MAX_QUEUED_STEPS:
            self._ends.popleft().synchronize()


class CudaGraphStep:
    """Step that runs eagerly at first, then is recorded and replayed: the same kernels on the same numbers."""

    def __init__(
        self,
        step: Callable[[Tensor], Tensor],
        *,
        batch_size: int,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        """Create a step.

        Args:
            step: function of window indices [batch_size]; it must keep its tensors at the same addresses.
            batch_size: number of indices in a step.
            device: GPU that the step runs on.
            generator: the only source of random numbers of the step.
        """
        self._step, self._generator = step, generator
        self._indices = torch.zeros(batch_size, dtype=torch.long, device=device)
        self._stream = _recording_stream(device, threading.get_ident())
        self._graph: torch.cuda.CUDAGraph | None = None
        self._output = torch.empty(0)
        self._steps_run = 0

    def __call__(self, indices: Tensor) -> Tensor:
        if self._steps_run < EAGER_STEPS:
            self._steps_run += 1
            return self._run_eagerly(indices)
        if self._graph is None:
            self._graph = self._record()
        self._indices.copy_(indices)
        self._graph.replay()
        return self._output.clone()

    def _run_eagerly(self, indices: Tensor) -> Tensor:
        """Run the step on the recording stream, because autograd accumulates the gradients there."""
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            output = self._step(indices)
        current.wait_stream(self._stream)
        return output

    def _record(self) -> torch.cuda.CUDAGraph:
        """Record the step without running it. Raises OutOfMemoryError."""
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        message = ""
        # The capture mode covers only this thread: others may train meanwhile, but only one records at a time.
        with (
            _recording_lock,
            torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"),
        ):
            try:
                self._output = self._step(self._indices)
            except torch.OutOfMemoryError as error:  # the end of the recording would hide it
                message = str(error)  # the error would keep the tensors of the step alive
        if message:
            raise torch.OutOfMemoryError(message)
        return graph


@cache
def _recording_stream(device: torch.device, thread: int) -> torch.cuda.Stream:
    """Return one stream for all recordings of a thread; each further stream would keep a workspace in memory."""
    return torch.cuda.Stream(device)
