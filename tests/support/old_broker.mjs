// A broker of the old days: MQTT 3.1.1 alone, retained messages and QoS 0 subscriptions, and no more. It answers
// a CONNECT of version 5 as such brokers do.

import net from 'node:net';

import { TYPE, packet, string, u16, u8 } from './raw.mjs';
import { atEnd } from './scope.mjs';

export class OldBroker {
  retained = new Map();
  refused = 0; // CONNECTs of another version
  #clients = new Map(); // socket -> its filters

  /** `acknowledgeFirst`: SUBACK before the retained messages, as some do. */
  static async start(t, { acknowledgeFirst = false } = {}) {
    const broker = new OldBroker();
    broker.acknowledgeFirst = acknowledgeFirst;
    broker.server = net.createServer((socket) => broker.#accept(socket));
    await new Promise((resolve) => broker.server.listen(0, '127.0.0.1', resolve));
    broker.port = broker.server.address().port;
    broker.url = `mqtt://127.0.0.1:${broker.port}`;
    atEnd(t, () => broker.close());
    return broker;
  }

  publish(topic, text, { retain = true } = {}) {
    if (retain) this.retained.set(topic, text);
    for (const [socket, filters] of this.#clients)
      if (filters.some((f) => matches(f, topic))) socket.write(publish(topic, text, false));
  }

  /** Reset every connection. */
  cut() {
    for (const socket of this.#clients.keys())
      if (socket.writableEnded) socket.destroy(); // see reset() in relay.mjs
      else socket.resetAndDestroy();
  }

  close() {
    this.cut();
    return new Promise((resolve) => this.server.close(resolve));
  }

  #accept(socket) {
    let buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.#clients.delete(socket));
    this.#clients.set(socket, []);
    socket.on('data', (bytes) => {
      buffer = Buffer.concat([buffer, bytes]);
      for (let length; (length = packetLength(buffer)) > 0; buffer = buffer.subarray(length))
        this.#onPacket(socket, buffer[0] >> 4, buffer.subarray(0, length));
    });
  }

  #onPacket(socket, type, bytes) {
    if (type === TYPE.connect) this.#onConnect(socket, bytes);
    if (type === TYPE.subscribe) this.#onSubscribe(socket, bytes.subarray(1 + lengthBytes(bytes)));
    if (type === TYPE.publish && (bytes[0] >> 1) & 3) socket.write(packet(TYPE.puback, packetIdOf(bytes)));
    if (type === TYPE.pingreq) socket.write(packet(TYPE.pingresp));
    if (type === TYPE.disconnect) socket.end();
  }

  #onConnect(socket, bytes) {
    if (bytes[8] === 4) {
      socket.write(packet(TYPE.connack, [0, 0]));
      return;
    }
    this.refused += 1;
    socket.end(packet(TYPE.connack, [0, 1]));
  }

  /* One filter each. */
  #onSubscribe(socket, body) {
    const filter = body.toString('utf8', 4, body.length - 1);
    const acknowledgement = packet(TYPE.suback, Buffer.concat([body.subarray(0, 2), u8(0)]));
    const kept = [...this.retained].filter(([topic]) => matches(filter, topic));
    const messages = kept.map(([topic, text]) => publish(topic, text, true));
    socket.write(Buffer.concat(this.acknowledgeFirst ? [acknowledgement, ...messages] : [...messages, acknowledgement]));
    this.#clients.get(socket)?.push(filter);
  }
}

function matches(filter, topic) {
  return filter.endsWith('#') ? topic.startsWith(filter.slice(0, -1)) : topic === filter;
}

function publish(topic, text, retain) {
  return packet(TYPE.publish, Buffer.concat([string(topic), Buffer.from(text)]), { flags: retain ? 1 : 0 });
}

function packetIdOf(bytes) {
  const topic = 1 + lengthBytes(bytes);
  const at = topic + 2 + bytes.readUInt16BE(topic);
  return u16(bytes.readUInt16BE(at));
}

function lengthBytes(bytes) {
  let n = 1;
  while (bytes[n] & 0x80) n++;
  return n;
}

/* 0 when it is not all there. */
function packetLength(buffer) {
  if (buffer.length < 2 || buffer.subarray(1, 5).every((b) => b & 0x80)) return 0;
  const n = lengthBytes(buffer);
  let length = 0;
  for (let i = n; i >= 1; i--) length = length * 128 + (buffer[i] & 0x7f);
  return buffer.length >= 1 + n + length ? 1 + n + length : 0;
}
