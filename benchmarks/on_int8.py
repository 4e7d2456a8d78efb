"""int8 of trained `stacked` networks: size, speed over fp32 in ONNX Runtime, and the test error."""

import tempfile

import reach
from command import Notebook, lstm
from on_training import prepared


def run(notebook: Notebook, hidden: list[int], epochs: int) -> None:
    notebook.say(f"\n## int8 of `stacked`, two layers, {epochs} epochs on ETTh1, 96 steps from 96\n")
    notebook.head(
        "hidden", "size", "reach", "speed", "reach", "test MSE fp32", "int8", "growth", "reach", "MiB fp32"
    )
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("int8"):
        run_dir = prepared(folder)
        for size in hidden:
            with notebook.attempt(size):
                one_size(notebook, run_dir, size, epochs)


def one_size(notebook: Notebook, run_dir: str, hidden: int, epochs: int) -> None:
    sizes = ("--hidden", f"{hidden},{hidden}", "--epochs", str(epochs))
    lstm("train", run_dir, "--model", "stacked", *sizes)
    report, _ = lstm("quantize", run_dir, "--max-loss", "100%")
    errors = {
        precision: lstm("evaluate", run_dir, "--precision", precision)[0]["metrics"]["mse_scaled"]
        for precision in ("fp32", "int8")
    }
    share = report["size"]["quantized"] / report["size"]["fp32"]
    speed = report["latency_ms"]["fp32"] / report["latency_ms"]["quantized"]
    growth = errors["int8"] / errors["fp32"] - 1
    notebook.row(
        hidden, share, reach.INT8_SIZE, speed, reach.INT8_SPEED.get(hidden), errors["fp32"], errors["int8"],
        f"{growth:+.2%}", f"{reach.INT8_LOSS:+.2%}", report["size"]["fp32"] / 2**20,
    )  # fmt: skip
    notebook.keep(table="int8", hidden=hidden, size=share, speed=speed, growth=growth, **errors)
