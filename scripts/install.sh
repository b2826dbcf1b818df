# shellcheck shell=bash
# Installs what scripts/packages names and this machine lacks.

# install_missing GROUP...
install_missing() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} > 0)); then
        is_debian || ask_to_install "${missing[@]}"
        apt_install "${missing[@]}"
    fi
    check_node
}

# The packages of the groups whose probe finds nothing, one a line.
missing_packages() {
    local group package kind what
    while read -r group package kind what; do
        [[ " $* " == *" $group "* ]] || continue
        probe "$kind" "$what" || name_here "$package"
    done < <(grep -v '^#' scripts/packages)
}

# Ubuntu has Chromium as a snap behind a package of another name; everything else is called the same.
name_here() {
    case "$(os_ids) $1" in
        *ubuntu*" chromium") printf 'chromium-browser\n' ;;
        *) printf '%s\n' "$1" ;;
    esac
}

probe() {
    case $1 in
        command) PATH=$PATH:/usr/sbin command -v "$2" ;;
        library) pkg-config --exists "$2" ;;
        header) gcc -fsyntax-only -include "$2" -x c /dev/null ;;
        file) [[ -e $2 ]] ;;
    esac >/dev/null 2>&1
}

is_debian() {
    command -v apt-get >/dev/null && [[ " $(os_ids) " =~ \ (debian|ubuntu)\  ]]
}

os_ids() {
    (. /etc/os-release && printf '%s %s' "$ID" "${ID_LIKE-}") 2>/dev/null
}

ask_to_install() {
    warn "This is neither Debian nor Ubuntu, so nothing is installed for you. Missing here (Debian's names):"
    warn "    $*"
    die "Install them by your system's means and start again."
}

apt_install() {
    local log=build/install.log
    say "Installing with apt: $*"
    quietly "$log" as_root apt-get update || exit 1
    quietly "$log" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@" || exit 1
    [[ " $* " != *" mosquitto "* ]] || tell_of_service
}

# Debian starts what it installs; that broker is not ours to stop, but it is ours to mention.
tell_of_service() {
    local active
    active=$(systemctl is-active mosquitto 2>/dev/null)
    [[ $active == active ]] || return 0
    say "Debian's mosquitto package has started a broker of its own on port 1883, the service mosquitto."
    say "Tapecast starts another one and leaves that alone; to turn it off: sudo systemctl disable --now mosquitto"
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@" # asks for the password on the terminal, not on standard input
    else
        warn "this needs root, and there is no sudo; as root, run: $*"
        return 1
    fi
}

check_node() {
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 18 || (a == 18 && b >= 17) ? 0 : 1)' ||
        die "Node.js 18.17 or later is needed, this is $(node --version)."
}
