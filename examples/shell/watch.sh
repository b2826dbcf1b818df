#!/bin/sh
# Prices with curl alone: one line of JSON a quote.
#   watch.sh AAPL MSFT          (GATEWAY=http://127.0.0.1:8080)
symbols=$(IFS=,; printf '%s' "${*:-*}")
curl -sSN --fail-with-body --get --data-urlencode "symbols=$symbols" "${GATEWAY:-http://127.0.0.1:8080}/events" |
    sed -un 's/^data: //p'
