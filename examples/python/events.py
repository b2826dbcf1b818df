#!/usr/bin/env python3
"""Prices as Server-Sent Events, with the standard library alone.

    python3 events.py AAPL MSFT          (GATEWAY=http://127.0.0.1:8080)

Goes on where it was when the connection is lost.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

GATEWAY = os.environ.get("GATEWAY", "http://127.0.0.1:8080")
SYMBOLS = ",".join(sys.argv[1:]) or "*"


def events(last_id):
    """Yield (id, event, data) until the connection ends."""
    url = f"{GATEWAY}/events?" + urllib.parse.urlencode({"symbols": SYMBOLS})
    request = urllib.request.Request(url, headers={"Last-Event-ID": last_id} if last_id else {})
    with urllib.request.urlopen(request, timeout=60) as answer:  # a heartbeat comes every 15 s
        fields = {}
        for line in answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            else:
                if "data" in fields:
                    yield fields.get("id", last_id), fields["event"], json.loads(fields["data"])
                fields = {}


def main():
    last_id = None
    while True:
        try:
            for last_id, event, data in events(last_id):
                if event == "quote":
                    print(data["symbol"], data["price"], data.get("change", ""), flush=True)
                else:  # removed: {"symbol"}; reset: everything follows anew
                    print(f"({event})", data, flush=True)
        except urllib.error.HTTPError as error:
            print(json.load(error)["detail"], file=sys.stderr)
            if error.code < 500:
                sys.exit(1)
        except OSError as error:
            print(error, file=sys.stderr)
        time.sleep(2)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
