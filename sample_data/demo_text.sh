#!/bin/sh
# `make demo-text`: from a book to new text. Run it in the repository root with `lstm` on PATH.
set -eu

run=runs/book

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

mkdir -p runs
show lstm prepare sample_data/book.txt "$run"
# A small network and few epochs: the text becomes better with the defaults, which take some minutes.
show lstm train "$run" --hidden 192 --epochs 16
# --force: if nothing changed, the step prints no table, but a second demo needs one.
show lstm evaluate "$run" --force
show lstm quantize "$run"
show lstm predict "$run" --prompt "Alice said" --length 400 --temperature 0.6
