# shellcheck shell=bash
# Builds the programs and the dashboard; what is up to date costs a fraction of a second.

# build_programs PRESET: into build/PRESET, with progress on a terminal.
build_programs() {
    local preset=$1 log=build/$1.log
    mkdir -p build
    : >"$log"
    [[ -e build/$preset/build.ninja ]] || quietly "$log" cmake --preset "$preset" || return
    cmake --build --preset "$preset" 2>&1 </dev/null | tee -a "$log" | show_progress "$preset"
    ((PIPESTATUS[0] == 0)) && return
    warn "The build failed:"
    grep -A 12 -E '^FAILED:|error:|^CMake Error' "$log" | head -n 60 >&2
    warn "the whole output is in $log"
    return 1
}

# Ninja's "[12/80] …" lines as one line that counts up, or as one sentence where nothing can be overwritten;
# anything else is for the log.
show_progress() {
    local line said=false
    while IFS= read -r line; do
        [[ $line =~ ^\[([0-9]+/[0-9]+)\] && $line != *Re-checking* ]] || continue
        if [[ -t 1 ]]; then
            printf '\r\033[KBuilding %s: %s' "$1" "${BASH_REMATCH[1]}"
        elif ! $said; then
            say "Building $1"
        fi
        said=true
    done
    ! $said || [[ ! -t 1 ]] || printf '\r\033[K'
}

# install_modules FOLDER: npm ci, when the lock file is not the one that was installed.
install_modules() {
    local stamp=$1/node_modules/.installed
    cmp -s "$1/package-lock.json" "$stamp" && return
    say "Installing the npm packages of $1/"
    quietly build/npm.log npm ci --prefix "$1" --no-audit --no-fund || return
    cp "$1/package-lock.json" "$stamp"
}

# dashboard/dist, when a source is newer than the last build of it.
build_dashboard() {
    local stamp=build/dashboard.built changed
    install_modules dashboard || return
    if [[ -e $stamp && -e dashboard/dist/index.html ]]; then
        changed=$(find dashboard \( -name node_modules -o -name dist \) -prune -o -newer "$stamp" -print -quit)
        [[ -n $changed ]] || return 0
    fi
    say "Building the dashboard"
    quietly build/dashboard.log npm run --prefix dashboard build || return
    touch "$stamp"
}
