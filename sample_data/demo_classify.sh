#!/bin/sh
# `make demo-classify`: from labelled sequences to predictions. Run it in the repository root with `lstm` on PATH.
set -eu
. sample_data/show_commands.sh

run=runs/gestures
classes=runs/classes.csv

mkdir -p runs
show lstm prepare sample_data/gestures.csv "$run" --sequence id --label gesture --group person --value x --value y
show lstm train "$run"
# --force: if nothing changed, the step prints no table, but a second demo needs one.
show lstm evaluate "$run" --force
show lstm predict "$run" sample_data/gestures.csv -o "$classes"

printf '\nThe first predictions:\n\n'
sed 4q "$classes"
printf '\nclasses   %s (%s rows)\n' "$classes" "$(($(wc -l <"$classes") - 1))"
printf 'report    %slstm report %s -o runs/gestures.html\n' "$(activation)" "$run"
printf 'next      docs/how-to/classify.md\n'
