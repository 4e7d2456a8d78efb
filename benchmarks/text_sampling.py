"""Measure how fast `lstm predict` writes text, in CPU seconds, and what int8 costs and gains.

    python benchmarks/text_sampling.py RUN [--length 20000] [--repetitions 5]

RUN holds a trained text model. The process measures itself, without the start of Python. The clock is that of the CPU,
so a busy machine does not change it much. The precisions alternate.
"""

import argparse
import io
import statistics
import time
from pathlib import Path

from lstm_cli.config import PredictConfig, QuantizeConfig
from lstm_cli.config.predict import TextSampling
from lstm_cli.events import ignore_events
from lstm_cli.steps.predict import predict
from lstm_cli.steps.quantize import quantize

WAYS = {
    "one text": {},
    "one text, --top-k 20": {"top_k": 20},
    "one text, --top-p 0.9": {"top_p": 0.9},
    "eight texts": {"samples": 8},
}


def characters_per_second(run: Path, precision: str, length: int, way: dict[str, float]) -> float:
    """Return the characters that a CPU second writes.

    Args:
        run: run directory.
        precision: precision of the model.
        length: characters of each text.
        way: settings of `predict`.
    """
    samples = int(way.get("samples", 1))
    sampling = TextSampling(length=length, **{key: way[key] for key in way if key != "samples"})  # type: ignore[arg-type]
    config = PredictConfig(precision=precision, samples=samples)
    began = time.process_time()
    predict(run, None, config, ignore_events, stdout=io.BytesIO(), sampling=sampling)
    return samples * length / (time.process_time() - began)


def main() -> None:
    """Print a table of characters per CPU second."""
    parser = argparse.ArgumentParser(description="Measure how fast lstm predict writes text.")
    parser.add_argument("run", type=Path, help="run with a text model")
    parser.add_argument("--length", type=int, default=20_000, help="characters of a text")
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions of each measurement")
    given = parser.parse_args()
    report = quantize(given.run, QuantizeConfig(max_loss=0.005), ignore_events)
    print(
        f"int8: {report.size['quantized'] / report.size['fp32']:.0%} of the size, loss {report.loss:+.2%}\n"
    )
    print("| what | fp32, characters/CPU s | int8, characters/CPU s | int8 / fp32 |")
    print("| --- | --- | --- | --- |")
    for title, way in WAYS.items():
        length = given.length // int(way.get("samples", 1))
        speeds: dict[str, list[float]] = {"fp32": [], "int8": []}
        for _ in range(given.repetitions):
            for precision, measured in speeds.items():
                measured.append(characters_per_second(given.run, precision, length, way))
        medians = [statistics.median(values) for values in speeds.values()]
        ratio = statistics.median(b / a for a, b in zip(*speeds.values(), strict=True))
        print(f"| {title} | {medians[0]:,.0f} | {medians[1]:,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
