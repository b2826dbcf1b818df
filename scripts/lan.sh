# shellcheck shell=bash
# ./run --lan: displays in the local network read from the broker with a password; see mosquitto.d/.

# This machine's address in its network: the one from which it would call another.
own_address() {
    PATH=$PATH:/usr/sbin ip -4 route get 192.0.2.1 2>/dev/null | sed -nE 's/.* src ([0-9.]+).*/\1/p;q'
}

# make_secret FILE: once; it stays with the copy of Tapecast whose folder it is in. No letters that look alike,
# since somebody types it into a display.
make_secret() {
    [[ -s $1 ]] || (umask 077 && tr -dc 'a-hjkmnp-z2-9' </dev/urandom 2>/dev/null | head -c 20 >"$1")
}

password_file() {
    printf '%s/%s.password' "$STATE" "$1"
}

# What Mosquitto reads holds no password, only what proves one.
make_passwords() {
    local user list=$STATE/passwords
    (umask 077 && : >"$list.new")
    for user in publisher recorder gateway display; do
        make_secret "$(password_file "$user")"
        printf '%s:%s\n' "$user" "$(<"$(password_file "$user")")" >>"$list.new"
    done
    mosquitto_passwd -U "$list.new" || die 'mosquitto_passwd cannot make the passwords.'
    mv "$list.new" "$list"
}

# lan_configuration CERT KEY: lan.conf with our addresses and files; without a certificate both are empty.
lan_configuration() {
    sed -E "s|^listener .* 127\.0\.0\.1$|listener $MQTT_PORT 127.0.0.1|
            s|^listener .* 192\.168\.1\.10$|listener $MQTT_PORT $LAN_ADDRESS|
            s|/etc/mosquitto/tapecast\.passwords|$STATE/passwords|
            s|/etc/mosquitto/tapecast\.acl|mosquitto.d/acl|" mosquitto.d/lan.conf
    [[ -z $1 ]] || printf '%s\n' "certfile $1" "keyfile $2" 'tls_version tlsv1.2'
    sed -E '/^(listener|allow_anonymous) /d' mosquitto.conf
    broker_user "$STATE/passwords" mosquitto.d/acl "$@"
}

# broker_user FILE...: started by root, Mosquitto becomes the user mosquitto before it reads the files. Where
# that user cannot get at them it has to stay who it is.
broker_user() {
    local file
    [[ $(id -u) == 0 ]] || return
    chown mosquitto "$STATE/passwords" 2>/dev/null
    for file; do
        [[ -z $file ]] || setpriv --reuid mosquitto --regid mosquitto --clear-groups test -r "$file" 2>/dev/null ||
            { printf 'user root\n' && return; }
    done
}

tell_displays() {
    local password in_the_clear=true options=
    password=$(<"$(password_file display)")
    [[ -z $TLS_CERT ]] || in_the_clear=false options=' --cafile CA.pem'
    say "Displays   address $LAN_ADDRESS, port $MQTT_PORT, user display, password $password; for a try:"
    say "             mosquitto_sub -h $LAN_ADDRESS -p $MQTT_PORT$options -u display -P $password -t 'stocks/+/price' -v"
    $in_the_clear || return 0
    say "             TAPECAST_MQTT_PASSWORD=$password tapecast-display --mqtt-url mqtt://display@$LAN_ADDRESS:$MQTT_PORT"
    say '           All this is in the clear, the password too: whoever listens in the network can read it, and then'
    say '           read prices as a display does. With TAPECAST_TLS_CERT and TAPECAST_TLS_KEY it is TLS.'
}
