"""Tests of the speed tables: computing a ratio, and one lost row per failure. They assert no timings."""

import sys
from pathlib import Path

import goals
import on_peers
import on_stages
import on_start
import on_training
import pytest
import speed
import timing
import training_loops
from command import CommandFailed, Notebook
from goals import Row


def counting(*given: float) -> tuple[list[str], dict]:
    """Sides that give these figures in turn, and the order in which they were asked."""
    requested: list[str] = []
    left = {"own": list(given), "other": list(given)}

    def side(name: str) -> float:
        requested.append(name)
        return left[name].pop(0)

    return requested, {name: (lambda name=name: side(name)) for name in left}


def test_sides_run_in_turn_and_the_first_of_each_is_thrown_away() -> None:
    requested, sides = counting(9.0, 1.0, 2.0)
    assert timing.in_turn(sides, 2) == {"own": [1.0, 2.0], "other": [1.0, 2.0]}
    assert requested == ["own", "other"] * 3


def test_a_ratio_is_the_median_of_the_pairs_not_the_ratio_of_medians() -> None:
    # pairs: 2, 1/2, 3; the medians of the sides are 2 and 2
    assert timing.ratio([2.0, 1.0, 6.0], [1.0, 2.0, 2.0]) == 2.0


@pytest.mark.parametrize(
    ("row", "ratio", "word"),
    [
        (goals.HELP, 1.2, "exceeded"),
        (goals.HELP, 2.0, "reached"),
        (goals.HELP, 2.01, "missed"),
        (goals.TRAIN, 1.3, "exceeded"),
        (goals.TRAIN, 1.0, "reached"),
        (goals.TRAIN, 0.99, "missed"),
        (goals.PREDICT_NEW, 5.0, ""),
    ],
)
def test_the_verdict_of_a_row(row: Row, ratio: float, word: str) -> None:
    assert goals.verdict(row, ratio) == word


def test_what_a_process_took_and_one_that_fails() -> None:
    # A large block here does not count as the other process's.
    mine = b"x" * (128 << 20)
    found = timing.spent([sys.executable, "-c", "x = b'x' * (64 << 20)"])
    assert len(mine) == 128 << 20
    assert 64 < found.mib < 128
    assert found.wall > 0
    assert found.cpu > 0
    with pytest.raises(CommandFailed, match="ended with 3"):
        timing.spent([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_worker_runs_each_line_and_reports_the_result() -> None:
    code = "import sys\nprint('a banner', flush=True)\nfor n, _ in enumerate(sys.stdin):\n    n < 2 or sys.exit(4)\n"
    with timing.Worker([sys.executable, "-c", code + "    print(n + 0.5, flush=True)"]) as worker:
        assert [worker(), worker()] == [0.5, 1.5]
        with pytest.raises(CommandFailed, match="ended with 4"):
            worker()


def test_the_loops_are_those_that_the_table_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []

    class Pretended:
        def __init__(self, command: list[str]) -> None:
            made.append(command)

        def __enter__(self) -> "Pretended":
            return self

        def __exit__(self, *_: object) -> None: ...

        def __call__(self) -> float:
            if made[-1][0] == "broken":
                raise CommandFailed("broken ended with 1")
            return 100.0

    monkeypatch.setattr(on_training, "Worker", Pretended)
    on_training.each_loop(Notebook(None), 1, "run", 2, 5, "cpu", {})
    names = [command[3] for command in made]
    assert set(names) == set(training_loops.LOOPS)
    assert all(command[-6:] == ["--threads", "2", "--steps", "5", "--clock", "cpu"] for command in made)


def test_a_peer_without_an_environment_is_skipped_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_peers.found(Notebook(None), tmp_path, tmp_path) == {}
    assert "darts: no environment in" in capsys.readouterr().out
    assert on_peers.found(Notebook(None), None, tmp_path) == {}


def test_every_peer_has_its_script_its_versions_and_its_row() -> None:
    for name in on_peers.NAMES:
        assert (on_peers.SCRIPTS / f"with_{name}.py").exists()
        pinned = (on_peers.SCRIPTS / f"{name}.txt").read_text().split()
        assert all("==" in line for line in pinned)
        assert name in goals.PEERS


def test_one_row_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pretended(own: list[str], other: list[str], repetitions: int, clock: str) -> dict[str, float]:
        if "--help" in own:
            raise CommandFailed("lstm --help ended with 1")
        return dict.fromkeys(("ratio", "own", "other", "own_mib", "other_mib"), 2.25)

    monkeypatch.setattr(on_start, "lstm", lambda *words: ({}, 0.0))
    monkeypatch.setattr(on_start, "fresh", pretended)
    assert speed.main(["--only", "start"]) == 1
    printed = capsys.readouterr().out
    assert "| `lstm --help` | `import typer` | failed: lstm --help ended with 1 |" in printed
    assert "| `lstm predict RUN` | `import numpy, onnxruntime` | 2.2500 | 2.3000 | reached |" in printed


def test_reading_a_large_file_is_compared_with_pandas(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["--only", "reading", "--repetitions", "1", "--rows", "1500"]) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if "`pandas" in line]
    assert [row[0].removeprefix("| ") for row in rows] == [
        "the reading stage",
        "`lstm prepare`",
        "the reading stage, 3 series in turn",
        "`lstm prepare`, 3 series in turn",
    ]
    assert all(float(row[2]) > 0 for row in rows)


def test_the_words_parse() -> None:
    options = speed.parse_arguments(["--only", "start", "int8", "--threads", "1", "2", "--hidden", "64"])
    assert (options.only, options.threads, options.hidden) == (["start", "int8"], [1, 2], [64])
    assert options.clock == "wall"
    assert speed.parse_arguments([]).only == list(speed.TABLES)


def test_the_stages_of_a_command_add_up_to_its_time(tmp_path: Path) -> None:
    ticks = iter([0.0, 9.0])
    sample = str(on_stages.SAMPLES / "monthly.csv")
    stages = on_stages.stage_seconds("prepare", sample, str(tmp_path / "run"), clock=lambda: next(ticks))
    assert sum(stages.values()) == pytest.approx(9)
    assert {"starting", "reading", "writing"} < set(stages)
    with pytest.raises(CommandFailed, match="exit 3"):
        on_stages.stage_seconds("prepare", str(tmp_path), str(tmp_path / "other"))
