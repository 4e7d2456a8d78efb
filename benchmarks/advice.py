"""Effect of each piece of advice in LSTM guides on the error of the textbook network.

.venv/bin/python benchmarks/advice.py
.venv/bin/python benchmarks/advice.py --seeds 0 --only dropout attention

The data are the first 4,000 rows of sample_data/ETTh1.csv, 24 hours ahead, lookback 48. The plain network is `stacked`
with its defaults. Each row changes one setting. Errors are scaled mean absolute errors over all test windows. A ratio
divides the error by that of the plain network of the same seed, then takes the median over the seeds. The searches use
`lstm tune`. `int8` and `fp16` are the plain network after `lstm quantize`.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from command import Notebook, lstm

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
PREPARE = ("--target", "HUFL", "--end", "row:4000", "--horizon", "24", "--lookback", "48")
PLAIN = "plain"
# name: options of `prepare`, options of `train`, and a third command if `train` is not enough
ADVICE: dict[str, tuple[str, ...]] = {
    PLAIN: ("", ""),
    "min-max scaling": ("--scaler minmax", ""),
    "robust scaling": ("--scaler robust", ""),
    "calendar inputs": ("--calendar", ""),
    "lookback 24": ("--lookback 24", ""),
    "lookback 168": ("--lookback 168", ""),
    "one layer": ("", "--hidden 64"),
    "three layers, narrowing": ("", "--hidden 128,64,32"),
    "wider": ("", "--hidden 128,128"),
    "no dropout": ("", "--dropout 0"),
    "more dropout": ("", "--dropout 0.5"),
    "bidirectional": ("", "--bidirectional"),
    "batch norm": ("", "--batch-norm"),
    "layer norm": ("", "--layer-norm"),
    "xavier": ("", "--init xavier"),
    "orthogonal": ("", "--init orthogonal"),
    "forget bias": ("", "--forget-bias"),
    "max norm": ("", "--max-norm 3"),
    "no weight decay": ("", "--weight-decay 0"),
    "no clipping": ("", "--clip-norm 0"),
    "attention": ("", "--attention 4"),
    "mean head": ("", "--head mean"),
    "attention head": ("", "--head attention"),
    "seq2seq head": ("", "--head seq2seq"),
    "mse loss": ("", "--loss mse"),
    "huber loss": ("", "--loss huber"),
    "plateau schedule": ("", "--schedule plateau"),
    "constant rate": ("", "--schedule constant"),
    "adam": ("", "--optimizer adam"),
    "sgd": ("", "--optimizer sgd"),
    "rate x 3": ("", "--lr 3e-3"),
    "rate / 3": ("", "--lr 3e-4"),
    "larger batches": ("", "--batch-size 256"),
    "no early stopping": ("", "--epochs 40 --patience 40"),
    "refit": ("", "--refit"),
    "int8": ("", "", "quantize --to int8 --max-loss 100%"),
    "fp16": ("", "", "quantize --to fp16 --max-loss 100%"),
    "random search": ("", "", "tune --method random --trials 12"),
    "Bayesian search": ("", "", "tune --method bayes --trials 12"),
    "segment": ("", "--model segment"),
}


def commands(name: str, run_dir: str, seed: int) -> list[list[str]]:
    """Return the commands that make and score one network.

    Args:
        name: key of ADVICE.
        run_dir: run directory.
        seed: random seed.
    """
    prepare, train, *other = (words.split() for words in ADVICE[name])
    verb, *then = other[0] if other else ["train"]
    words = [run_dir, *override(["--model", "stacked"], train), "--seed", str(seed), "--threads", "1"]
    precision = then[then.index("--to") + 1] if verb == "quantize" else "fp32"
    return [
        ["prepare", str(SAMPLE), run_dir, *override(PREPARE, prepare)],
        ["tune", *words, *then] if verb == "tune" else ["train", *words],
        *([["quantize", run_dir, *then]] if verb == "quantize" else []),
        ["evaluate", run_dir, "--precision", precision, "--threads", "1"],
    ]


def override(defaults: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the defaults, pairs of an option and its value, that `words` does not set, and then `words`."""
    pairs = zip(defaults[::2], defaults[1::2], strict=True)
    return [*(word for pair in pairs if pair[0] not in words for word in pair), *words]


def measured(name: str, seed: int) -> dict:
    """Return the errors and seconds of one network."""
    with tempfile.TemporaryDirectory() as folder:
        reports = [lstm(*words) for words in commands(name, f"{folder}/run", seed)]
    made, seconds = reports[1]
    scored, _ = reports[-1]
    return {
        "mae": scored["metrics"]["mae_scaled"],
        "linear": scored["baselines"]["linear"]["mae_scaled"],
        "seasonal_naive": scored["baselines"]["seasonal_naive"]["mae_scaled"],
        "epochs": made.get("best_epoch"),  # None after a search
        "seconds": seconds,
    }


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--only",
        nargs="+",
        default=list(ADVICE),
        choices=list(ADVICE),
        metavar="ADVICE",
        help="keys of ADVICE",
    )
    parser.add_argument("--jobs", type=int, default=2, help="networks trained in parallel, one thread each")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args(words)
    notebook = Notebook(options.record)
    names = dict.fromkeys([PLAIN, *options.only])
    notebook.head("what", "options", "MAE", "ratio to plain", "best epoch", "train, s")
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = {name: [pool.submit(measured, name, seed) for seed in options.seeds] for name in names}
        plain: list[dict] = []
        for name, each in runs.items():
            with notebook.attempt(name):
                found = [item.result() for item in each]
                plain = plain or found
                ratios = [own["mae"] / base["mae"] for own, base in zip(found, plain, strict=True)]
                middle = {
                    key: None if None in (of := [item[key] for item in found]) else statistics.median(of)
                    for key in found[0]
                }
                shown_options = " ".join(words for words in ADVICE[name] if words)
                notebook.row(
                    name, f"`{shown_options}`" if shown_options else "", middle["mae"],
                    statistics.median(ratios), middle["epochs"], middle["seconds"],
                )  # fmt: skip
                for seed, item in zip(options.seeds, found, strict=True):
                    notebook.keep(advice=name, seed=seed, **item)
    if plain:
        notebook.say(
            f"\nOn the same windows: linear {plain[0]['linear']:.4f}, "
            f"seasonal naive {plain[0]['seasonal_naive']:.4f}."
        )
        errors = [item["mae"] for item in plain]
        spread = max(abs(item / statistics.median(errors) - 1) for item in errors)
        notebook.say(f"The seed alone changes the error of the plain network by {100 * spread:.1f} %.")
    return 1 if notebook.failed else 0


if __name__ == "__main__":
    sys.exit(main())
