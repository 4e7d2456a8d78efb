"""Run of text with a model that needs no training: the next token depends on the last one only."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from small_text import write_story

from lstm_cli.config import PrepareConfig
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run, writing
from lstm_cli.steps.prepare import prepare
from lstm_cli.text.dataset import TextData
from lstm_cli.text.store import load_data, write_vocabulary
from lstm_cli.text.vocabulary import UNKNOWN


def make_text_run(folder: Path, *, tokens: str = "characters", lines: int = 400) -> Path:
    """Prepare a story in a folder, commit the model of its pairs of tokens, and return the run."""
    run = folder / "run"
    source = write_story(folder / "story.txt", lines)
    prepare([str(source)], run, PrepareConfig(), ignore_events, columns=PrepareOfTasks(tokens=tokens))
    with open_run(run) as opened:
        data = load_data(opened)
    commit_model(run, data)
    return run


def commit_model(run: Path, data: TextData, graph: bytes | None = None) -> None:
    """Commit a model with a step graph; None: that of the pairs of tokens in the training text."""
    with writing(run, step="train") as writer:
        assert writer.run is not None
        folder = writer.new("model")
        write_vocabulary(folder, data.vocabulary)
        folder.write_json("model.json", {"name": "language model", "settings": {"hidden": [3]}})
        folder.write_bytes("model.onnx", graph or pair_graph(pair_scores(data)))
        writer.commit(
            config={}, reads={"data": writer.run.artifact("data").digest}, report={"model": "stacked"}
        )


def pair_scores(data: TextData) -> np.ndarray:
    """Return the logits [V, V] of the token in the column after that in the row: log of the smoothed counts."""
    counts = np.full((data.vocabulary.size, data.vocabulary.size), 0.1)
    train = data.split("train").astype(int)
    np.add.at(counts, (train[:-1], train[1:]), 1)
    counts[:, UNKNOWN] = 0.1
    return np.log(counts)


def pair_graph(scores: np.ndarray) -> bytes:
    """Return the step graph of a model with these logits, which does not use its state."""
    shape = [2, "B", 3]
    nodes = [
        helper.make_node("Gather", ["scores", "tokens"], ["logits"], axis=0),
        helper.make_node("Identity", ["state"], ["next_state"]),
    ]
    size = len(scores)
    graph = helper.make_graph(
        nodes,
        "pairs",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, ["B", "T"]),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, shape),
        ],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "T", size]),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, shape),
        ],
        initializer=[numpy_helper.from_array(scores.astype(np.float32), "scores")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
