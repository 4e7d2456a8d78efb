"""Size, speed and test error of `stacked` networks in int8, compared with fp32."""

import tempfile

import goals
from command import Notebook, lstm
from on_training import prepared


def run(notebook: Notebook, hidden: list[int], epochs: int) -> None:
    """Print the size, speed and error of int8 for each number of hidden units.

    Args:
        notebook: printer of the rows.
        hidden: hidden units.
        epochs: epochs of each training.
    """
    notebook.say(f"\n## `stacked` in int8, two layers, {epochs} epochs on ETTh1, 96 steps from 96\n")
    notebook.head(
        "hidden",
        "size",
        "size goal",
        "speed",
        "speed goal",
        "test MSE fp32",
        "test MSE int8",
        "error growth",
        "growth goal",
        "MiB fp32",
    )
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("int8"):
        run_dir = prepared(folder)
        for size in hidden:
            with notebook.attempt(size):
                one_size(notebook, run_dir, size, epochs)


def one_size(notebook: Notebook, run_dir: str, hidden: int, epochs: int) -> None:
    """Print one row.

    Args:
        notebook: printer of the row.
        run_dir: run directory with data.
        hidden: hidden units.
        epochs: epochs of the training.
    """
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
        hidden, share, goals.INT8_SIZE, speed, goals.INT8_SPEED.get(hidden), errors["fp32"], errors["int8"],
        f"{growth:+.2%}", f"{goals.INT8_LOSS:+.2%}", report["size"]["fp32"] / 2**20,
    )  # fmt: skip
    notebook.keep(table="int8", hidden=hidden, size=share, speed=speed, growth=growth, **errors)
