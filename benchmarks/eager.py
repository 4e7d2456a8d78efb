"""Worker that runs the network of a run in torch eager mode on the last window of each series.

echo | .venv/bin/python benchmarks/eager.py RUN --threads 1

For each line on stdin, it prints the seconds of all batches. The tensors are made before, so only the network is timed.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.inputs import known_ahead_inputs, last_windows
from lstm_cli.export.load_network import load_network
from lstm_cli.inference.trained_model import load_model, rescale_to_model
from lstm_cli.rundir import open_run

BATCH = 1024


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    options = parser.parse_args(words)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    with open_run(options.run) as opened:
        model = load_model(opened)
        dataset = rescale_to_model(load_dataset(opened), model)
        weights = opened.artifact("model").bytes("weights.safetensors")
    network = load_network(model.name, model.settings, weights)
    windows, ahead = last_windows(dataset, model.lookback), known_ahead_inputs(dataset, str(options.run))
    batches = [
        tuple(torch.from_numpy(np.ascontiguousarray(side)) for side in (batch.past, future, batch.mask))
        for first in range(0, len(windows), BATCH)
        for batch, future in [(windows[first : first + BATCH], ahead[first : first + BATCH])]
    ]
    for _ in sys.stdin:
        began = time.perf_counter()
        with torch.no_grad():
            for batch in batches:
                network(*batch)
        print(time.perf_counter() - began, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
