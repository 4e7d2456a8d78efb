"""Log-mel spectra of WAV files, as a table with one row for each frame.

    python log_mel.py words/ -o words.parquet            # words/yes/anna_1.wav: label yes, speaker anna
    python log_mel.py --table recordings.csv -o words.parquet    # column file; the others are copied
    python log_mel.py new.wav | lstm predict runs/words -

The table is for `lstm prepare --sequence file --label label --group speaker --time ms`.
"""

import argparse
import csv
import os
import sys
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

import numpy as np

FLOOR = 1e-10  # smallest power in a band, as a share of the power of the recording
ENDING = ".wav"
PARQUET = ".parquet"
CONVERT = "ffmpeg -i IN -ac 1 -ar 16000 -c:a pcm_s16le OUT.wav"


class RecordingError(Exception):
    """Recording or option that the program cannot use, with a hint."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, kw_only=True)
class Recording:
    """WAV file and the cells that each of its rows has."""

    path: Path
    cells: dict[str, str]  # column: text


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Settings of the log-mel spectrum."""

    mels: int = 26  # bands
    window: int = 25  # milliseconds of a frame
    hop: int = 20  # milliseconds between the starts of two frames
    low: float = 60.0  # Hz, lower end of the first band
    high: float = 7600.0  # Hz, upper end of the last band

    @property
    def columns(self) -> list[str]:
        """Return the name of each band."""
        return [f"m{number:02d}" for number in range(1, self.mels + 1)]


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """Return the samples [N] of a mono WAV file with 16 bits, from -1 to 1, and the samples per second.

    Raises:
        RecordingError: the file is missing or has another format.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            content = file.readframes(file.getnframes())
    except OSError as error:
        raise RecordingError(
            f"{path}: {error.strerror}", "name WAV files, or folders with WAV files"
        ) from None
    except (wave.Error, EOFError) as error:
        reason = str(error) or "the file ends too early"
        raise RecordingError(
            f"{path}: not a WAV file with 16 bits ({reason})", f"convert it: {CONVERT}"
        ) from None
    if channels != 1 or width != 2:
        raise RecordingError(
            f"{path}: {channels} channel(s) of {8 * width} bits, but 1 of 16 bits is needed",
            f"convert it: {CONVERT}",
        )
    return np.frombuffer(content[: len(content) // 2 * 2], dtype="<i2") / 32768.0, rate


def mel_of(hertz: np.ndarray) -> np.ndarray:
    """Return the pitch in mel of frequencies in Hz."""
    return 2595 * np.log10(1 + hertz / 700)


def hertz_of(mel: np.ndarray) -> np.ndarray:
    """Return the frequencies in Hz of pitches in mel."""
    return 700 * (10 ** (mel / 2595) - 1)


@cache
def filter_bank(spectrum: Spectrum, rate: int, points: int) -> np.ndarray:
    """Return the weights [mels, points // 2 + 1] of the triangular filters.

    A filter is 1 at its centre and 0 at the centres of its neighbours. So the weights of a frequency between the first
    and the last centre have the sum 1.

    Args:
        spectrum: number of bands and their range.
        rate: samples per second.
        points: length of the Fourier transform.

    Raises:
        RecordingError: the range is not in the recording, or a band has no frequency.
    """
    if spectrum.high > rate / 2:
        raise RecordingError(
            f"{rate} samples per second have no frequency above {rate // 2} Hz, but the bands end at {spectrum.high:g}",
            f"use --high {rate // 2} for all recordings, or record with 16000 samples per second",
        )
    edges = hertz_of(np.linspace(*mel_of(np.array([spectrum.low, spectrum.high])), spectrum.mels + 2))
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    frequencies = np.fft.rfftfreq(points, 1 / rate)
    weights = np.minimum(
        (frequencies - left) / (centre - left), (right - frequencies) / (right - centre)
    ).clip(min=0)
    if (weights.sum(axis=1) == 0).any():
        raise RecordingError(
            f"{spectrum.mels} bands are too many for frames of {spectrum.window} ms", "use a smaller --mels"
        )
    return weights


def power_spectrum(frames: np.ndarray, points: int) -> np.ndarray:
    """Return the power [frames, points // 2 + 1] of each frequency, after a Hann window.

    The sum over the frequencies is the mean square of a frame, weighted with the square of the window.

    Args:
        frames: samples [frames, size].
        points: length of the Fourier transform, at least the size.
    """
    window = np.hanning(frames.shape[1] + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * window, points)) ** 2 / (points * (window**2).sum())
    power[:, 1 : (points + 1) // 2] *= 2  # a real signal has each of these frequencies twice
    return power


def log_mel(samples: np.ndarray, rate: int, spectrum: Spectrum) -> np.ndarray:
    """Return the log of the power in each band [frames, mels].

    The power of the whole recording counts as 1, so that its loudness does not matter.

    Args:
        samples: samples [N].
        rate: samples per second.
        spectrum: settings.

    Raises:
        RecordingError: there is no whole frame.
    """
    size = round(spectrum.window * rate / 1000)
    count = 1 + (len(samples) - size) * 1000 // (spectrum.hop * rate)
    if count < 1:
        raise RecordingError(
            f"{len(samples) * 1000 / rate:.0f} ms are shorter than a frame of {spectrum.window} ms",
            "leave it out",
        )
    starts = np.arange(count) * spectrum.hop * rate // 1000
    frames = samples[starts[:, None] + np.arange(size)]
    points = 1 << (size - 1).bit_length()
    # For so few frames, einsum is faster than a product on several threads.
    bands = np.einsum("fp,mp->fm", power_spectrum(frames, points), filter_bank(spectrum, rate, points))
    return np.log(np.maximum(bands / max(np.mean(samples**2), FLOOR), FLOOR))


def find_recordings(paths: Sequence[Path]) -> list[Recording]:
    """Return the WAV files of folders with their label and speaker, or the files that are named.

    The label is the name of the folder that holds the file. The speaker is the name of the file up to the first `_`.

    Raises:
        RecordingError: there is no WAV file, or files and folders are mixed.
    """
    folders = [path for path in paths if path.is_dir()]
    if not folders:
        return [Recording(path=path, cells={"file": str(path)}) for path in dict.fromkeys(paths)]
    if len(folders) < len(paths):
        raise RecordingError("files and folders are mixed", "give either folders or files")
    found = dict.fromkeys(
        path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix.lower() == ENDING
    )
    if not found:
        raise RecordingError(f"no WAV file in {folders[0]}", f"convert the recordings: {CONVERT}")
    return [
        Recording(
            path=path,
            cells={
                "file": str(path),
                "label": path.parent.resolve().name,
                "speaker": path.stem.partition("_")[0],
            },
        )
        for path in found
    ]


def read_table(table: Path) -> list[Recording]:
    """Return the recordings of a CSV file with the column `file`; a path is relative to the table.

    Raises:
        RecordingError: the table cannot be read, or has no column `file`.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{table}: {error}", "name a CSV file in UTF-8 with --table") from None
    if not rows or "file" not in rows[0]:
        raise RecordingError(
            f"{table}: no column 'file'", "begin the table with the line: file,label,speaker"
        )
    return [
        Recording(
            path=table.parent / row["file"],
            cells={name: text or "" for name, text in row.items() if name is not None},
        )
        for row in rows
    ]


def spectra_of(recordings: Sequence[Recording], spectrum: Spectrum) -> Iterator[tuple[Recording, np.ndarray]]:
    """Yield each recording with its log-mel spectrum [frames, mels]."""
    for recording in recordings:
        samples, rate = read_wav(recording.path)
        try:
            yield recording, log_mel(samples, rate, spectrum)
        except RecordingError as error:
            raise RecordingError(f"{recording.path}: {error}", error.hint) from None


def write_csv(recordings: Sequence[Recording], spectrum: Spectrum, file: TextIO) -> int:
    """Write the rows as CSV and return their number.

    Args:
        recordings: at least one.
        spectrum: settings.
        file: text file, or standard output.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*recordings[0].cells, "ms", *spectrum.columns])
    rows = 0
    for recording, values in spectra_of(recordings, spectrum):
        cells = list(recording.cells.values())
        for number, frame in enumerate(values):
            writer.writerow([*cells, number * spectrum.hop, *(f"{value:.4f}" for value in frame)])
        rows += len(values)
    return rows


def write_parquet(recordings: Sequence[Recording], spectrum: Spectrum, path: Path) -> int:
    """Write the rows as Parquet and return their number.

    Args:
        recordings: at least one.
        spectrum: settings.
        path: file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [frames for _, frames in spectra_of(recordings, spectrum)]
    counts = [len(frames) for frames in values]
    columns = {
        name: np.repeat(np.array([recording.cells[name] for recording in recordings], dtype=object), counts)
        for name in recordings[0].cells
    }
    columns["ms"] = np.concatenate([np.arange(count) * spectrum.hop for count in counts])
    together = np.concatenate(values).astype(np.float32)
    columns.update(zip(spectrum.columns, together.T, strict=True))
    with path.open("wb") as file:
        pq.write_table(pa.table(columns), file)
    return len(together)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    default = Spectrum()
    parser = argparse.ArgumentParser(
        description="Write the log-mel spectra of WAV files as a table with one row for each frame."
    )
    parser.add_argument("recordings", nargs="*", type=Path, help="WAV files, or folders named as the labels")
    parser.add_argument("--table", type=Path, help="CSV file with the column file, and columns to copy")
    parser.add_argument(
        "-o", "--output", default="-", help="a .parquet or .csv file (default: standard output)"
    )
    parser.add_argument("--mels", type=int, default=default.mels, help="bands (default: %(default)s)")
    parser.add_argument(
        "--window", type=int, default=default.window, help="ms of a frame (default: %(default)s)"
    )
    parser.add_argument(
        "--hop", type=int, default=default.hop, help="ms between frames (default: %(default)s)"
    )
    parser.add_argument("--low", type=float, default=default.low, help="Hz (default: %(default)s)")
    parser.add_argument("--high", type=float, default=default.high, help="Hz (default: %(default)s)")
    options = parser.parse_args(arguments)
    if (options.table is None) == (not options.recordings):
        parser.error("give either WAV files or folders, or --table")
    if min(options.mels, options.window, options.hop) < 1 or not 0 <= options.low < options.high:
        parser.error("--mels, --window and --hop are at least 1, and --low is less than --high")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table and return the exit code."""
    options = parse(arguments)
    spectrum = Spectrum(**{name: getattr(options, name) for name in ("mels", "window", "hop", "low", "high")})
    try:
        recordings = read_table(options.table) if options.table else find_recordings(options.recordings)
        if options.output == "-":
            rows = write_csv(recordings, spectrum, sys.stdout)
            sys.stdout.flush()
        elif Path(options.output).suffix == PARQUET:
            rows = write_parquet(recordings, spectrum, Path(options.output))
        else:
            with Path(options.output).open("w", encoding="utf-8", newline="") as file:
                rows = write_csv(recordings, spectrum, file)
    except RecordingError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush at exit
        return 141
    except OSError as error:
        print(f"error: {options.output}: {error.strerror}\nhint: name another file with -o", file=sys.stderr)
        return 1
    print(f"{rows:,} frames of {len(recordings):,} recordings", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
