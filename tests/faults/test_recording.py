"""Tests of `predict --record` that is killed, and that runs several times at once: each file is whole or absent."""

import random
import shutil
import threading
from pathlib import Path

from faulty import Command, copy_golden, ledger_names, trial_count

from lstm_cli.rundir import LEDGER, ledger


def argv(run: Path, *more: object) -> list[object]:
    return ["predict", run, "--threads", "1", "-o", run.parent / "forecast.csv", "--record", *more]


def test_a_killed_record(command: Command, tmp_path: Path, rng: random.Random) -> None:
    clean = tmp_path / "clean" / "run"
    clean.parent.mkdir()
    copy_golden(clean)
    done = command(*argv(clean), cached=True)
    assert done["status"] == 0, done["err"]
    [expected] = ledger_names(clean)
    killed = 0
    for trial in range(trial_count(50, 2)):
        run = tmp_path / str(trial) / "run"
        run.parent.mkdir()
        copy_golden(run)
        first = command(*argv(run), kill_after=rng.uniform(0, done["seconds"]), cached=True)
        assert first["status"] in (-9, 0), first["err"]
        killed += first["status"] == -9
        assert ledger_names(run) in ([], [expected])
        assert command(*argv(run), cached=True)["status"] == 0
        assert ledger_names(run) == [expected]
        assert [path.name for path in (run / LEDGER).iterdir()] == [expected]
        shutil.rmtree(run.parent)
    print(f"predict --record: {killed} killed before the end, all intact")


def test_removal_while_others_write(tmp_path: Path) -> None:
    """Four writers keep the newest three days while they remove old ones of each other."""
    content = ledger.LedgerFile(facts={}, arrays={})
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for day in range(20):
                name = ledger.forecast_name(day * 86_400_000_000, f"{writer:064x}"[::-1], calendar=True)
                ledger.write_ledger_file(tmp_path, name, ledger.FORECAST, content)
                ledger.remove_old_forecasts(tmp_path, keep_days=3)
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert failures == []
    ledger.remove_old_forecasts(tmp_path, keep_days=3)
    assert [name[:8] for name in ledger_names(tmp_path)] == ["19700118"] * 4 + ["19700119"] * 4 + [
        "19700120"
    ] * 4
