#!/bin/sh
# A line each time a price gets above (or below) a limit, for whatever is to happen then:
#     examples/shell/alert.sh AAPL above 190 | while read -r line; do notify-send "$line"; done
# The broker: MQTT_HOST and MQTT_PORT.
if [ $# != 3 ] || { [ "$2" != above ] && [ "$2" != below ]; }; then
    echo "usage: $0 SYMBOL above|below PRICE" >&2
    exit 2
fi

# beyond PRICE SIDE LIMIT: true or false; 2 when PRICE is none
beyond() {
    awk -v price="$1" -v side="$2" -v limit="$3" 'BEGIN {
        if (price !~ /^-?[0-9]+(\.[0-9]+)?$/) exit 2
        exit side == "above" ? price + 0 <= limit + 0 : price + 0 >= limit + 0
    }'
}

was=1
mosquitto_sub -h "${MQTT_HOST:-127.0.0.1}" -p "${MQTT_PORT:-1883}" -t "stocks/$1/price" |
    while read -r price; do
        beyond "$price" "$2" "$3"
        is=$?
        [ $is = 2 ] && continue
        [ $is = 0 ] && [ $was = 1 ] && echo "$1 $price $2 $3"
        was=$is
    done
