#!/bin/sh
# `make demo-text`: from a book to new text. Run it in the repository root with `lstm` on PATH.
set -eu
. sample_data/show_commands.sh

run=runs/book

mkdir -p runs
show lstm prepare sample_data/book.txt "$run"
# A small network and few epochs: the text becomes better with the defaults, which take some minutes.
show lstm train "$run" --hidden 192 --epochs 16
# --force: if nothing changed, the step prints no table, but a second demo needs one.
show lstm evaluate "$run" --force
show lstm quantize "$run"
show lstm predict "$run" --prompt "Alice said" --length 400 --temperature 0.7

printf '\nbetter    %slstm train %s  # the default network, some minutes\n' "$(activation)" "$run"
printf 'next      docs/how-to/text.md\n'
