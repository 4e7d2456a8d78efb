"""Tests of the recipe for speech: log-mel spectra of WAV files, and a classifier of tones as words."""

import csv
import io
import wave
from pathlib import Path

import log_mel
import numpy as np
import pytest
from log_mel import RecordingError, Spectrum
from scipy import signal

from lstm_cli.cli.main import run as lstm

RATE = 16_000


def tone(hertz: float, *, seconds: float = 0.2, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def write_wav(
    path: Path, samples: np.ndarray, *, rate: int = RATE, channels: int = 1, width: int = 2
) -> Path:
    """Write samples from -1 to 1; with several channels, the samples alternate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((samples * 2 ** (8 * width - 1)).astype(f"<i{width}").tobytes())
    return path


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_filters_by_hand() -> None:
    # 700 Hz are 2595 log10(2) mel, and 2100 Hz are twice as much.
    bank = log_mel.filter_bank(Spectrum(mels=1, low=0, high=2100), 8400, 12)
    np.testing.assert_allclose(bank, [[0, 1, 0.5, 0, 0, 0, 0]], atol=1e-12)


def test_weights_of_a_frequency_have_the_sum_1() -> None:
    spectrum = Spectrum()
    bank = log_mel.filter_bank(spectrum, RATE, 512)
    assert bank.shape == (spectrum.mels, 257)
    assert ((bank > 0).sum(axis=0) <= 2).all()
    peaks = bank.argmax(axis=1)
    assert (np.diff(peaks) > 0).all()
    np.testing.assert_allclose(bank[:, peaks[0] + 1 : peaks[-1]].sum(axis=0), 1)


@pytest.mark.parametrize(("size", "points"), [(400, 512), (400, 400), (399, 399)])
def test_power_is_that_of_the_windowed_samples(size: int, points: int) -> None:
    frames = np.random.default_rng(0).normal(size=(3, size))
    power = log_mel.power_spectrum(frames, points)
    window = signal.get_window("hann", size)
    np.testing.assert_allclose(power.sum(axis=1), (frames**2) @ window**2 / (window**2).sum())


def test_power_is_that_of_scipy() -> None:
    samples = np.random.default_rng(0).normal(size=880)
    _, _, density = signal.spectrogram(
        samples, RATE, window="hann", nperseg=400, noverlap=240, nfft=512, detrend=False
    )
    frames = samples[np.arange(4)[:, None] * 160 + np.arange(400)]
    np.testing.assert_allclose(log_mel.power_spectrum(frames, 512), density.T * RATE / 512)


@pytest.mark.parametrize("hertz", [300, 1000, 5000])
def test_a_tone_is_in_the_bands_around_it(hertz: float) -> None:
    spectrum = Spectrum()
    frames = tone(hertz)[np.arange(3)[:, None] * 160 + np.arange(400)]
    powers = log_mel.power_spectrum(frames, 512) @ log_mel.filter_bank(spectrum, RATE, 512).T
    np.testing.assert_allclose(powers.sum(axis=1), 0.5**2 / 2, rtol=0.01)
    edges = np.linspace(*log_mel.mel_of(np.array([spectrum.low, spectrum.high])), spectrum.mels + 2)
    nearest = np.abs(edges[1:-1] - log_mel.mel_of(np.array(hertz))).argmin()
    assert set(powers.argmax(axis=1)) == {nearest}


def test_the_loudness_does_not_matter() -> None:
    samples = tone(440) + tone(1200)
    np.testing.assert_allclose(
        log_mel.log_mel(samples, RATE, Spectrum()), log_mel.log_mel(samples / 100, RATE, Spectrum())
    )
    assert np.isfinite(log_mel.log_mel(np.zeros(RATE), RATE, Spectrum())).all()


def test_frames_begin_at_each_hop() -> None:
    # 11025 samples per second: a frame has 276 samples, and a hop has 110.25.
    rate, spectrum = 11_025, Spectrum(high=5000, hop=10)
    samples = np.zeros(276 + 441)
    assert len(log_mel.log_mel(samples, rate, spectrum)) == 5
    assert len(log_mel.log_mel(samples[:-1], rate, spectrum)) == 4
    samples[441 + 138] = 1  # in the middle of the fifth frame
    assert log_mel.log_mel(samples, rate, spectrum).sum(axis=1).argmax() == 4


def test_sample_values_of_a_wav_file(tmp_path: Path) -> None:
    samples = np.array([0, 0.5, -1, 2**-15])
    path = write_wav(tmp_path / "a.wav", samples, rate=8000)
    read, rate = log_mel.read_wav(path)
    assert rate == 8000
    assert read.tolist() == samples.tolist()


@pytest.mark.parametrize(
    ("channels", "width", "message"),
    [(2, 2, "2 channel(s) of 16 bits"), (1, 4, "1 channel(s) of 32 bits"), (1, 1, "1 channel(s) of 8 bits")],
)
def test_another_format_is_refused_with_the_command_that_converts_it(
    channels: int, width: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_wav(tmp_path / "a.wav", tone(440) / 2, channels=channels, width=width)
    assert log_mel.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "hint: convert it: ffmpeg" in error


def test_recordings_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello, world")
    short = write_wav(tmp_path / "short" / "a.wav", tone(440, seconds=0.02))
    slow = write_wav(tmp_path / "slow" / "a.wav", tone(440), rate=8000)
    (tmp_path / "empty").mkdir()
    for paths, message in (
        ([tmp_path / "absent.wav"], "absent.wav: No such file"),
        ([tmp_path / "text.wav"], "text.wav: not a WAV file"),
        ([short], "a.wav: 20 ms are shorter than a frame of 25 ms"),
        ([slow], "a.wav: 8000 samples per second have no frequency above 4000 Hz"),
        ([tmp_path / "empty"], "no WAV file"),
        ([tmp_path / "empty", short], "files and folders are mixed"),
    ):
        with pytest.raises(RecordingError, match=message.replace("(", r"\(")):
            list(log_mel.spectra_of(log_mel.find_recordings(paths), Spectrum()))
    with pytest.raises(RecordingError, match="500 bands are too many"):
        log_mel.log_mel(tone(440), RATE, Spectrum(mels=500))


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_an_output_that_cannot_be_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_wav(tmp_path / "a.wav", tone(440))
    assert log_mel.main([str(path), "-o", str(tmp_path / "absent" / name)]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'absent' / name}: No such file")


def test_a_table_names_the_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_wav(tmp_path / "wav" / "1.wav", tone(440))
    (tmp_path / "table.csv").write_text("file,word,person\nwav/1.wav,yes,anna\n")
    assert log_mel.main(["--table", str(tmp_path / "table.csv")]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert len(rows) == 9
    assert [row["ms"] for row in rows[:3]] == ["0", "20", "40"]
    assert {(row["file"], row["word"], row["person"]) for row in rows} == {("wav/1.wav", "yes", "anna")}


def test_tones_as_words(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words of two tones: from WAV files in folders to the label of a new WAV file on standard input."""
    generator = np.random.default_rng(0)
    for speaker in range(5):
        for take in range(3):
            for word, (first, second) in {"up": (500, 1500), "down": (1500, 500)}.items():
                pitch, seconds = 1 + speaker / 50, generator.uniform(0.1, 0.15)
                samples = np.concatenate([tone(hertz * pitch, seconds=seconds) for hertz in (first, second)])
                noisy = samples + generator.normal(0, 0.05, len(samples))
                write_wav(tmp_path / "words" / word / f"s{speaker}_{take}.wav", noisy / 2)
    table, run = tmp_path / "words.parquet", tmp_path / "run"
    options = ["--mels", "8"]
    assert log_mel.main([str(tmp_path / "words"), "-o", str(table), *options]) == 0
    columns = ["--sequence", "file", "--label", "label", "--group", "speaker", "--time", "ms"]
    assert lstm(["prepare", str(table), str(run), *columns, "--val", "0.2", "--test", "0.2", "-q"]) == 0
    network = ["--model", "stacked", "--hidden", "4", "--epochs", "2", "--device", "cpu", "--threads", "1"]
    assert lstm(["train", str(run), *network, "-q"]) == 0
    new = sorted((tmp_path / "words").rglob("*.wav"))
    capfdbinary.readouterr()
    assert log_mel.main([*map(str, new), *options]) == 0
    frames = io.TextIOWrapper(io.BytesIO(capfdbinary.readouterr().out))
    monkeypatch.setattr("sys.stdin", frames)
    assert lstm(["predict", str(run), "-", "-q"]) == 0
    rows = rows_of(capfdbinary.readouterr().out.decode())
    assert [row["file"] for row in rows] == [str(path) for path in new]
    assert [row["predicted"] for row in rows] == [path.parent.name for path in new]
