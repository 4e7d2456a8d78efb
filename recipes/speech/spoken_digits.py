"""Spoken digits from espeak-ng, as WAV files in a folder for each digit.

    python spoken_digits.py digits/
    python log_mel.py digits/ -o digits.parquet

A speaker is a voice variant of espeak-ng. It says each digit in several accents, each time with another speed and
pitch, and with noise. The files are the same for the same seed and version of espeak-ng.
"""

import argparse
import io
import shutil
import subprocess
import sys
import wave
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = (
    "en-gb",
    "en-us",
    "en-gb-scotland",
    "en-029",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-us-nyc",
)
# Voice variants of espeak-ng that differ: without robots, and one of several with the same name.
VOICES = """
m1 f1 m2 f2 m3 f3 m4 f4 m5 f5 m6 m7 m8 klatt croak whisper Alex Alicia Andrea Andy Annie AnxiousAndy Denis Diogo Gene
Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen RicishayMax adam anika announcer antonio aunty belinda benjamin
boris david ed edward grandma grandpa gustave iven john linda marcelo max michel miguel norbert pablo paul pedro
quincy rob robert sandro shelby steph travis victor
"""
SPEAKERS = tuple(VOICES.split())
PAUSE = (0.02, 0.2)  # seconds of silence before and after the word


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One recording to make."""

    digit: int
    speaker: str
    accent: str
    speed: int  # words per minute
    pitch: int  # 0 to 99
    noise: float | None  # signal-to-noise ratio in dB; None without noise
    seed: tuple[int, int]  # of the noise and the pauses

    @property
    def name(self) -> str:
        """Return the path of the file in the folder."""
        noise = "" if self.noise is None else f"_n{self.noise:.0f}"
        return f"{self.digit}/{self.speaker}_{self.accent}_s{self.speed}_p{self.pitch}{noise}.wav"


def plan(*, speakers: int, accents: int, noise: tuple[float, float] | None, seed: int) -> list[Utterance]:
    """Return the recordings to make.

    Args:
        speakers: number of speakers.
        accents: number of accents in which a speaker says each digit.
        noise: lowest and highest signal-to-noise ratio in dB; None without noise.
        seed: of the speeds, the pitches and the noise.
    """
    generator = np.random.default_rng(seed)
    utterances = []
    for speaker in SPEAKERS[:speakers]:
        for digit in range(len(WORDS)):
            for accent in generator.permutation(ACCENTS)[:accents]:
                utterances.append(
                    Utterance(
                        digit=digit,
                        speaker=speaker,
                        accent=str(accent),
                        speed=int(generator.integers(120, 221)),
                        pitch=int(generator.integers(25, 76)),
                        noise=None if noise is None else float(generator.uniform(*noise)),
                        seed=(seed, len(utterances)),
                    )
                )
    return utterances


def speak(utterance: Utterance, program: str) -> tuple[np.ndarray, int]:
    """Return the samples [N] of espeak-ng, from -1 to 1, and the samples per second."""
    command = [program, "--stdout", "-v", f"{utterance.accent}+{utterance.speaker}"]
    command += ["-s", str(utterance.speed), "-p", str(utterance.pitch), WORDS[utterance.digit]]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    with wave.open(io.BytesIO(done.stdout), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768, file.getframerate()


def add_noise(samples: np.ndarray, rate: int, utterance: Utterance) -> np.ndarray:
    """Return the samples with a pause on both sides, and with noise over both.

    The power of the noise falls with the frequency, between not at all (white) and with its inverse (pink).

    Args:
        samples: samples [N] of the word.
        rate: samples per second.
        utterance: ratio of signal to noise, and seed.
    """
    generator = np.random.default_rng(utterance.seed)
    before, after = (round(seconds * rate) for seconds in generator.uniform(*PAUSE, size=2))
    padded = np.pad(samples, (before, after))
    if utterance.noise is None:
        return padded
    spectrum = np.fft.rfft(generator.normal(size=len(padded)))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-generator.uniform(0, 1) / 2)
    noise = np.fft.irfft(spectrum, len(padded))
    power = np.mean(samples**2) / 10 ** (utterance.noise / 10)
    return padded + noise * np.sqrt(power / np.mean(noise**2))


def write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write samples from -1 to 1 as a mono WAV file with 16 bits; a sum that is too loud is made quieter.

    Args:
        path: file.
        samples: samples [N].
        rate: samples per second.
    """
    samples = samples / max(1.0, float(np.abs(samples).max()))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).round().astype("<i2").tobytes())


def make(utterances: Sequence[Utterance], folder: Path, program: str) -> None:
    """Write the recordings, on all processors.

    Args:
        utterances: recordings to make.
        folder: where the folders of the digits are.
        program: path of espeak-ng.
    """

    def one(utterance: Utterance) -> None:
        samples, rate = speak(utterance, program)
        write_wav(folder / utterance.name, add_noise(samples, rate, utterance), rate)

    for digit in range(len(WORDS)):
        (folder / str(digit)).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(one, utterances))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the recordings and return the exit code."""
    parser = argparse.ArgumentParser(description="Make spoken digits with espeak-ng.")
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--speakers", type=int, default=len(SPEAKERS), help="voices (default: %(default)s)")
    parser.add_argument("--accents", type=int, default=4, help="accents of a speaker (default: %(default)s)")
    parser.add_argument(
        "--noise",
        type=float,
        nargs=2,
        default=(5.0, 30.0),
        metavar=("LOW", "HIGH"),
        help="dB (default: 5 30)",
    )
    parser.add_argument("--no-noise", action="store_true", help="without noise")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    options = parser.parse_args(arguments)
    program = shutil.which("espeak-ng")
    if program is None:
        print("error: espeak-ng is not installed\nhint: apt install espeak-ng", file=sys.stderr)
        return 1
    if options.folder.is_dir() and any(options.folder.iterdir()):
        print(f"error: {options.folder} is not empty\nhint: name a new folder", file=sys.stderr)
        return 1
    noise = None if options.no_noise else tuple(options.noise)
    utterances = plan(speakers=options.speakers, accents=options.accents, noise=noise, seed=options.seed)
    make(utterances, options.folder, program)
    print(
        f"{len(utterances):,} recordings of {options.speakers} speakers in {options.folder}", file=sys.stderr
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
