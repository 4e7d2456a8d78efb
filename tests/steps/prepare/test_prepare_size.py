"""Tests of `prepare` on large data: in batches, out of order, in several files."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.errors import DataError, OutputError, UsageError
from lstm_cli.events import Event, Progressed, ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.check import check
from lstm_cli.steps.prepare import prepare

CONFIG = PrepareConfig(
    target=("y",), past=("x",), future=("z",), series=("id",), horizon=3, lookback=4, missing="season"
)
HEADER = "date,id,y,x,z"


def rows_of(series: str, count: int = 60, ahead: int = 3) -> list[str]:
    """Return days of one series with a gap, missing values and rows of known-ahead covariates."""
    rng = np.random.default_rng(len(series))
    lines = []
    for row, day in enumerate(np.datetime64("2024-01-01") + np.arange(count + ahead)):
        y, x, z = (f"{value:.4f}" for value in rng.normal(10, 3, size=3))
        if row >= count:
            y = x = ""
        if 20 <= row < 31 or (row % 11 == 5 and row < count - 1):
            y = ""
        if row != 40:
            lines.append(f"{day},{series},{y},{x},{z}")
    return lines


PANEL = [rows_of(series) for series in ("a", "bb", "ccc")]
SORTED = [line for lines in PANEL for line in lines]
INTERLEAVED = [line for lines in zip(*PANEL, strict=True) for line in lines]


def written(path: Path, lines: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def data_of(run: Path) -> dict[str, str]:
    """Return the sha256 of each file of the run's data."""
    return {name: file["sha256"] for name, file in open_run(run).artifact("data").files.items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the data files of a run prepared from the sorted panel in one batch."""
    folder = tmp_path_factory.mktemp("plain")
    prepare(str(written(folder / "a.csv", SORTED)), folder / "run", CONFIG, ignore_events)
    return data_of(folder / "run")


def test_an_interleaved_panel_gives_the_bytes_of_a_sorted_one(tmp_path: Path, plain: dict[str, str]) -> None:
    source = written(tmp_path / "a.csv", INTERLEAVED)
    report = prepare(str(source), tmp_path / "run", CONFIG, ignore_events)
    assert data_of(tmp_path / "run") == plain
    assert report.warnings[0].startswith(
        f"{source}, line 119: 3 rows are missing from the daily data, the first at 2024-02-10 of series 'a'"
    )


@pytest.mark.parametrize("held", [0, 1 << 30])
def test_pieces_of_any_size_give_the_same_bytes(
    tmp_path: Path, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """Rows are held in memory or in files, and only the data remain."""
    for name, value in (
        ("BULK_MIN_BYTES", 100),
        ("HEAD_BYTES", 0),
        ("SAMPLE_ROWS", 0),
        ("BLOCK_BYTES", 90),
        ("TAIL_BYTES", 50),
    ):
        monkeypatch.setattr(f"lstm_cli.data.reading.csv_fast.{name}", value)
    monkeypatch.setattr("lstm_cli.data.reading.source._BLOCK", 64)
    monkeypatch.setattr("lstm_cli.data.reading.source._HEAD", 64)
    monkeypatch.setattr("lstm_cli.data.reading.column_buffers.MAX_MEMORY_BYTES", held)
    prepare(str(written(tmp_path / "a.csv", INTERLEAVED)), tmp_path / "run", CONFIG, ignore_events)
    assert data_of(tmp_path / "run") == plain
    assert sorted(path.name for path in (tmp_path / "run" / "data" / "0001").iterdir()) == sorted(plain)


@pytest.mark.parametrize("rows", [1, 7, 8])
def test_rows_taken_a_few_at_a_time_change_nothing(
    tmp_path: Path, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Data are scaled with a scaler without sums, because sums depend on the order."""
    one, few = tmp_path / "one", tmp_path / "few"
    source = str(written(tmp_path / "a.csv", INTERLEAVED))
    config = PrepareConfig(**{**vars(CONFIG), "scaler": "minmax"})
    prepare(source, one, config, ignore_events)
    monkeypatch.setattr("lstm_cli.data.chunks.CHUNK_ROWS", rows)
    prepare(source, few, config, ignore_events)
    assert {name: data_of(few)[name] for name in ("values.npy", "measured.npy")} == {
        name: data_of(one)[name] for name in ("values.npy", "measured.npy")
    }
    assert data_of(few)["measured.npy"] == plain["measured.npy"]


def test_a_large_table_is_never_whole_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values take 5.1 MB, and memory holds less than half of them."""
    for name, value in (
        ("BULK_MIN_BYTES", 1 << 17),
        ("HEAD_BYTES", 0),
        ("SAMPLE_ROWS", 0),
        ("BLOCK_BYTES", 1 << 16),
        ("TAIL_BYTES", 1 << 12),
    ):
        monkeypatch.setattr(f"lstm_cli.data.reading.csv_fast.{name}", value)
    monkeypatch.setattr("lstm_cli.data.reading.source._BLOCK", 1 << 16)
    monkeypatch.setattr("lstm_cli.data.reading.csv_rows.BATCH_ROWS", 100)
    monkeypatch.setattr("lstm_cli.data.reading.column_buffers.MAX_MEMORY_BYTES", 0)
    monkeypatch.setattr("lstm_cli.data.chunks.CHUNK_ROWS", 1 << 10)
    times = np.datetime64("2020-01-01T00:00") + np.arange(40_000)
    cells = ",".join("0123456789ABCDEF").translate(str.maketrans("ABCDEF", "012345"))
    columns = ",".join(f"c{index}" for index in range(16))
    source = written(
        tmp_path / "a.csv",
        [f"{time},{row % 97},{cells[2:]}" for row, time in enumerate(times)],
        f"time,{columns}",
    )
    config = PrepareConfig(target=("c0",), past=tuple(f"c{index}" for index in range(1, 16)), season="none")
    prepare(str(source), tmp_path / "before", config, ignore_events)  # what is loaded once does not count
    tracemalloc.start()
    report = prepare(str(source), tmp_path / "run", config, ignore_events)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.rows == 40_000
    assert peak < 0.6 * 40_000 * 16 * 8


def test_progress_counts_the_bytes_of_all_files(tmp_path: Path) -> None:
    events: list[Event] = []
    half = len(SORTED) // 2
    sources = [
        str(written(tmp_path / name, part))
        for name, part in (("a.csv", SORTED[:half]), ("b.csv", SORTED[half:]))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lstm_cli.data.reading.table.MEGABYTE", 1)
        prepare(sources, tmp_path / "run", CONFIG, events.append)
    reading = [event for event in events if isinstance(event, Progressed) and event.stage == "reading"][1:]
    size = sum(Path(source).stat().st_size for source in sources)
    assert (reading[-1].done, reading[-1].total) == (size, size)
    assert [event.done for event in reading] == sorted(event.done for event in reading)
    assert any(
        event.stage == "writing" and event.done == event.total
        for event in events
        if isinstance(event, Progressed)
    )


def test_several_files_are_one_data_set(tmp_path: Path, plain: dict[str, str]) -> None:
    """Columns are matched by name, overlapping rows are merged, and a pattern can name the files."""
    written(tmp_path / "part1.csv", SORTED[:100])
    other = [",".join(line.split(",")[::-1]) for line in SORTED[95:]]
    written(tmp_path / "part2.csv", other, "z,x,y,id,date")
    report = prepare([str(tmp_path / "part*.csv")], tmp_path / "run", CONFIG, ignore_events)
    assert data_of(tmp_path / "run") == plain
    assert report.source == f"{tmp_path}/part1.csv and 1 more file"
    assert report.warnings[0].startswith(f"{tmp_path}/part2.csv: the order of the columns differs")
    duplicates = (
        f"{tmp_path}/part2.csv, line 2: 5 duplicate rows, "
        f"the first equal to line 97 of {tmp_path}/part1.csv of series 'bb'"
    )
    assert any(warning.startswith(duplicates) for warning in report.warnings)
    read = open_run(tmp_path / "run").steps["prepare"]["read"]
    assert [fact["size"] for fact in read.values()] == [
        (tmp_path / name).stat().st_size for name in ("part1.csv", "part2.csv")
    ]


def test_a_pipe_is_read_like_standard_input(
    tmp_path: Path, plain: dict[str, str], piped: Callable[[bytes], str]
) -> None:
    """A pipe can be read only once, so the next call cannot compare its bytes and runs again."""
    text = "\n".join([HEADER, *SORTED]) + "\n"
    path = piped(text.encode())
    report = prepare(path, tmp_path / "run", CONFIG, ignore_events)
    assert (report.source, data_of(tmp_path / "run")) == (path, plain)
    assert open_run(tmp_path / "run").steps["prepare"]["read"] == {}
    repeated = prepare(piped(text.encode()), tmp_path / "run", CONFIG, ignore_events)
    assert (repeated.up_to_date, repeated.rows) == (None, report.rows)


def test_a_pipe_may_be_one_of_several_files(
    tmp_path: Path, plain: dict[str, str], piped: Callable[[bytes], str]
) -> None:
    first = written(tmp_path / "a.csv", SORTED[:100])
    rest = "\n".join([HEADER, *SORTED[100:]]) + "\n"
    prepare([str(first), piped(rest.encode())], tmp_path / "run", CONFIG, ignore_events)
    assert data_of(tmp_path / "run") == plain
    assert (
        prepare([str(first), piped(rest.encode())], tmp_path / "run", CONFIG, ignore_events).up_to_date
        is None
    )


def test_check_reads_a_pipe_twice(tmp_path: Path, piped: Callable[[bytes], str]) -> None:
    file = written(tmp_path / "a.csv", SORTED)
    path = piped(file.read_bytes())
    one, other = (check(source, CONFIG, ignore_events).to_json() for source in (path, str(file)))
    assert (one.pop("source"), other.pop("source")) == (path, str(file))
    findings = [
        [finding.pop("text") + finding.pop("source") for finding in report["findings"]]
        for report in (one, other)
    ]
    assert [text.replace(path, str(file)) for text in findings[0]] == findings[1]
    assert one == other


@pytest.mark.parametrize(
    ("header", "line", "words"),
    [
        (
            "date,id,y,x,w",
            "2025-01-01,a,1,2,3",
            r"b\.csv has other columns than .*a\.csv: missing 'z' and extra 'w'",
        ),
        (HEADER, "2025-01-01,a,1,2,?", r"b\.csv, line 2, column 'z': '\?' is not a plain number"),
        (
            HEADER,
            "01/02/2025,a,1,2,3",
            r"b\.csv, line 2, column 'date': .* line 2 of .*a\.csv have different formats",
        ),
        (
            HEADER,
            SORTED[0][:13] + "7,8,9",
            r"a\.csv, line 2 and .*b\.csv, line 2: duplicate timestamp .* with two values of 'y'",
        ),
    ],
    ids=["columns", "cell", "time", "values"],
)
def test_an_error_in_one_of_several_files_names_that_file(
    tmp_path: Path, header: str, line: str, words: str
) -> None:
    sources = [str(written(tmp_path / "a.csv", SORTED)), str(written(tmp_path / "b.csv", [line], header))]
    with pytest.raises(DataError, match=words):
        prepare(sources, tmp_path / "run", CONFIG, ignore_events)
    assert not (tmp_path / "run").exists()


def test_sources_that_are_no_data_set_are_refused(tmp_path: Path) -> None:
    source = str(written(tmp_path / "a.csv", SORTED))
    for sources, kind, words in (
        ([source, "-"], UsageError, "standard input"),
        ([source, source], UsageError, "named twice"),
        ([str(tmp_path / "*.txt")], DataError, "no file matches"),
    ):
        with pytest.raises(kind, match=words):
            prepare(sources, tmp_path / "run", CONFIG, ignore_events)
        assert not (tmp_path / "run").exists()


def test_a_full_disk_during_reading_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_cli.data.reading.column_buffers.MAX_MEMORY_BYTES", 0)
    full = Path("/dev/full")
    monkeypatch.setattr("lstm_cli.data.reading.column_buffers.MemoryBudget.new_file", lambda room: full)
    with pytest.raises(OutputError, match="disk full"):
        prepare(str(written(tmp_path / "a.csv", SORTED)), tmp_path / "run", CONFIG, ignore_events)
    assert not (tmp_path / "run").exists()
