#!/bin/sh
# `make demo`: from a CSV file to a forecast in five commands. Run it in the repository root with `lstm` on PATH.
set -eu
. sample_data/show_commands.sh

run=runs/demo
scores=runs/demo-scores.txt
forecast=runs/demo-forecast.csv

mkdir -p runs
show lstm prepare sample_data/ETTh1.csv "$run" --target OT --horizon 24
show lstm train "$run"

# --force: if nothing changed, the step prints no table, but a second demo needs one.
printf '\n$ lstm evaluate %s --force\n' "$run"
lstm evaluate "$run" --force >"$scores"
cat "$scores"

show lstm quantize "$run"
show lstm predict "$run" -o "$forecast"

printf '\nScores on the test rows, compared with the baselines:\n\n'
sed '/lowest error/q' "$scores"
printf '\nforecast  %s (%s rows)\n' "$forecast" "$(($(wc -l <"$forecast") - 1))"
printf 'plot      %s\n' "$(sed -n 's/^plot: //p' "$scores")"
printf 'scores    %s\n' "$scores"

printf 'report    %slstm report %s -o runs/demo-report.html\n' "$(activation)" "$run"
printf 'next      %slstm check YOUR.csv\n' "$(activation)"
