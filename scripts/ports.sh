# shellcheck shell=bash
# Which TCP ports are taken, and by whom.

port_is_taken() {
    [[ -n $(ss -ltnH "sport = :$1") ]]
}

# The first free port from $1 on.
free_port_from() {
    local port=$1
    while port_is_taken "$port"; do
        ((port += 1))
    done
    printf '%s' "$port"
}

# Whose port it is, as far as this user may see: "mosquitto (pid 712, service mosquitto)".
port_owner() {
    local line name='another program' details=()
    line=$(ss -ltnpeH "sport = :$1" 2>/dev/null | head -n 1)
    if [[ $line =~ \(\(\"([^\"]+)\",pid=([0-9]+) ]]; then
        name=${BASH_REMATCH[1]}
        details+=("pid ${BASH_REMATCH[2]}")
    fi
    [[ $line =~ /([^/ ]+)\.service ]] && details+=("service ${BASH_REMATCH[1]}")
    ((${#details[@]} > 0)) || details+=("of user $(port_user "$line")")
    local IFS=,
    printf '%s (%s)' "$name" "${details[*]/#/ }" | sed 's/( /(/'
}

port_user() {
    local uid=0
    [[ $1 =~ uid:([0-9]+) ]] && uid=${BASH_REMATCH[1]}
    id -nu "$uid" 2>/dev/null || printf '%s' "$uid"
}
