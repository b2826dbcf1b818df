#!/usr/bin/env python3
"""Quotes over gRPC: quotes.py [HOST:PORT] SYMBOL... ; * is all symbols.

Needs only grpcio (pip install grpcio, or apt install python3-grpcio): the two messages are small enough to be written and
read by hand. With grpcio-tools, make them from proto/tapecast/v1/stock.proto instead:
    python3 -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. tapecast/v1/stock.proto
"""

import argparse
import struct
import time

import grpc

METHOD = "/tapecast.v1.StockService/StreamQuotes"


def request(symbols):
    """StreamQuotesRequest { repeated string symbols = 1; }"""
    texts = [symbol.encode() for symbol in symbols]
    return b"".join(b"\x0a" + bytes([len(text)]) + text for text in texts)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def quote(data):
    """The fields of a Quote by number: 1 is the symbol, 2 the price, 3 the change … (see stock.proto)"""
    fields, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            fields[tag >> 3], at = varint(data, at)
        elif tag & 7 == 1:
            (fields[tag >> 3],) = struct.unpack_from("<d", data, at)
            at += 8
        else:
            length, at = varint(data, at)
            fields[tag >> 3] = data[at : at + length].decode()
            at += length
    return fields


def read(channel, symbols):
    """Yields quotes for ever; a lost connection is tried again."""
    stream = channel.unary_stream(METHOD, request_serializer=request, response_deserializer=quote)
    while True:
        try:
            yield from stream(symbols)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("address", help="HOST:PORT of the gateway, such as localhost:8080")
    arguments.add_argument("symbols", nargs="+")
    arguments.add_argument("--ca", help="speak TLS and trust this certificate (PEM)")
    arguments.add_argument("--count", type=int, help="end after so many quotes")
    options = arguments.parse_args()
    if options.ca:
        with open(options.ca, "rb") as file:
            channel = grpc.secure_channel(options.address, grpc.ssl_channel_credentials(file.read()))
    else:
        channel = grpc.insecure_channel(options.address)
    for n, fields in enumerate(read(channel, options.symbols), 1):
        print(fields[1], fields.get(14, "removed"), flush=True)
        if n == options.count:
            break


if __name__ == "__main__":
    main()
