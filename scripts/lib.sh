# shellcheck shell=bash
# What ./run and ./test share: words to people, and steps whose output only matters when they fail.
# They source this after changing to the repository's root.

say() {
    printf '%s\n' "$*"
}

warn() {
    printf '%s\n' "$*" >&2
}

die() {
    warn "$*"
    exit 1
}

# quietly LOG COMMAND...: run with the output in LOG, append to it; when it fails, show its end.
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >>"$log" 2>&1 </dev/null && return
    local status=$?
    warn "failed: $*"
    tail -n 30 "$log" >&2
    warn "the whole output is in $log"
    return "$status"
}

# Wait for COMMAND... to succeed, at most $1 seconds.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}
