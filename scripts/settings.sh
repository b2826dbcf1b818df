# shellcheck shell=bash
# What a user has set: in the environment, else in the file .env here.

# setting NAME DEFAULT
setting() {
    local value=${!1-}
    [[ -n $value ]] || value=$(env_file_value "$1")
    printf '%s' "${value:-$2}"
}

# port_setting NAME DEFAULT: ends the program when it is none.
port_setting() {
    local port
    port=$(setting "$1" "$2")
    if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then
        die "$1=$port is not a port, 1 to 65535."
    fi
    printf '%s' "$port"
}

# The value on the last KEY=VALUE line with that key, read as the programs read the file.
env_file_value() {
    local value
    [[ -r .env ]] || return 0
    value=$(sed -nE "s/\r$//; s/^[[:blank:]]*(export[[:blank:]]+)?$1=(.*)$/\2/p" .env | tail -n 1)
    case $value in
        \"*) value=${value#\"} value=${value%%\"*} ;;
        \'*) value=${value#\'} value=${value%%\'*} ;;
        *) value=$(sed -E 's/(^|[[:blank:]]+)#.*$//; s/[[:blank:]]+$//' <<<"$value") ;;
    esac
    printf '%s' "$value"
}
