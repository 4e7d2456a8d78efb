# Functions of the demos, which read this file with `.`.

# Print a command as it can be typed, and run it.
show() {
    printf '\n$'
    for word; do
        case $word in
        *' '*) printf ' "%s"' "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

# Print what comes before `lstm` in a command that works in the shell of the user, where it may not be on PATH.
activation() {
    bin=$(dirname "$(command -v lstm)")
    bin=${bin#"$PWD"/}
    if [ -f "$bin/activate" ]; then printf '. %s/activate && ' "$bin"; fi
}
