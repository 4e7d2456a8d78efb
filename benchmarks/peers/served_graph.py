"""ONNX graph of lstm as a program would use it without lstm: scaled windows in, forecasts in the file's units out."""

import json
import os
from pathlib import Path

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime


class ServedGraph:
    """Graph with the scaling of its target. `folder` has model.onnx and facts.json, which serving.py writes."""

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / "facts.json").read_text())
        self.time, self.target, self.lookback = facts["time"], facts["target"], facts["lookback"]
        self._center, self._scale, self._horizon = facts["center"], facts["scale"], facts["horizon"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graph = str(folder / "model.onnx")
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(self, scaled: np.ndarray) -> np.ndarray:
        """Return the scaled forecasts [B, H] of scaled windows [B, L]."""
        count = len(scaled)
        inputs = {
            "past": scaled.reshape(count, self.lookback, 1),
            "future": np.zeros((count, self._horizon, 0), dtype=np.float32),
            "mask": np.ones((count, self.lookback), dtype=np.float32),
        }
        return self._session.run(["forecast"], inputs)[0][:, :, 0]

    def forecast(self, values: list[float]) -> list[float]:
        """Return the forecast of the steps after some values, which are at least as many as the lookback."""
        window = np.asarray(values[-self.lookback :], dtype=np.float64)
        scaled = ((window - self._center) / self._scale).astype(np.float32)
        return (self.run(scaled[None])[0] * self._scale + self._center).tolist()
