#!/bin/sh
# `make demo-classify`: from labelled sequences to predictions. Run it in the repository root with `lstm` on PATH.
set -eu

run=runs/gestures
classes=runs/classes.csv

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

mkdir -p runs
show lstm prepare sample_data/gestures.csv "$run" --sequence id --label gesture --group person --value x --value y
show lstm train "$run"
# --force: if nothing changed, the step prints no table, but a second demo needs one.
show lstm evaluate "$run" --force
show lstm predict "$run" sample_data/gestures.csv -o "$classes"

printf '\nThe first predictions (%s):\n\n' "$classes"
sed 4q "$classes"
