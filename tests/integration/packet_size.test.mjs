// Small displays have a packet buffer of 256 bytes (PubSubClient's default) and silently drop what is
// longer. Here a raw socket counts the bytes of each packet as the broker sends it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { Broker, Publisher, atEnd, tempDir, until } from '../support/index.mjs';

const BUFFER = 256;
const CONNECT = 0x10;
const PUBLISH = 0x30;
const SUBSCRIBE = 0x82;

/** MQTT 3.1.1 spoken by hand: `packets` are { topic, payload, size } of each PUBLISH, whole packet. */
class RawClient {
  packets = [];
  #bytes = Buffer.alloc(0);

  static async subscribe(t, broker, filter) {
    const client = new RawClient();
    const socket = net.connect(broker.port, '127.0.0.1');
    atEnd(t, () => socket.destroy());
    socket.on('data', (bytes) => client.#take(bytes));
    socket.write(packet(CONNECT, string('MQTT'), Buffer.of(4, 2, 0, 0), string('raw')));
    socket.write(packet(SUBSCRIBE, Buffer.of(0, 1), string(filter), Buffer.of(0)));
    await until(() => client.granted);
    return client;
  }

  topics() {
    return new Set(this.packets.map((p) => p.topic));
  }

  #take(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (let packet; (packet = cut(this.#bytes)); this.#bytes = this.#bytes.subarray(packet.size)) this.#see(packet);
  }

  #see({ type, body, size }) {
    if (type === 0x90) this.granted = body[2] === 0;
    if ((type & 0xf0) !== PUBLISH) return;
    const topicEnd = 2 + body.readUInt16BE(0);
    this.packets.push({ topic: body.toString('utf8', 2, topicEnd), payload: body.toString('utf8', topicEnd), size });
  }
}

function string(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

function packet(type, ...parts) {
  const body = Buffer.concat(parts);
  assert.ok(body.length < 128);
  return Buffer.concat([Buffer.of(type, body.length), body]);
}

/* The first packet of `bytes`, or undefined when it is not whole. */
function cut(bytes) {
  let remaining = 0;
  for (let at = 1; at < bytes.length && at < 5; at++) {
    remaining += (bytes[at] & 127) * 128 ** (at - 1);
    if (bytes[at] >= 128) continue;
    const size = at + 1 + remaining;
    return bytes.length >= size ? { type: bytes[0], body: bytes.subarray(at + 1, size), size } : undefined;
  }
  return undefined;
}

function assertAllFit(reader) {
  const largest = reader.packets.reduce((a, b) => (a.size >= b.size ? a : b));
  assert.ok(largest.size <= BUFFER, `${largest.size} bytes: ${largest.topic} ${largest.payload}`);
  return largest;
}

// 24 bytes each, or 48 once escaped for a topic or for JSON, whichever comes first.
const AWKWARD = [
  'A',
  'BTC/USD',
  'ABCDEFGHIJKLMNOPQRSTUVWX',
  '////////////ABCDEFGHIJKL',
  '%+#%+#%+#%+#ABCDEFGHIJKL',
  '"'.repeat(24),
  '\\'.repeat(24),
  '\u{1F4C8}'.repeat(6),
  'ÄÖÜÄÖÜÄÖÜÄÖÜ',
  'SPACE INSIDE',
];

function levelOf(symbol) {
  return symbol.replaceAll(/[/+#%]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

test('no packet of a simulated symbol exceeds the buffer, however awkward the symbol', async (t) => {
  const broker = await Broker.start(t);
  const reader = await RawClient.subscribe(t, broker, 'stocks/#');

  Publisher.start(t, broker, { symbols: AWKWARD, args: ['--rate', '2000'] });
  await until(() => reader.packets.length > 5000, { timeout: 15_000 });
  const topics = reader.topics();
  for (const symbol of AWKWARD) assert.ok(topics.has(`stocks/${levelOf(symbol)}`), symbol);
  t.diagnostic(`largest of ${reader.packets.length}: ${assertAllFit(reader).size} bytes`);
});

const VALUES = [
  '0.000000000000000001',
  '0.123456789012345678',
  '1.00000000000000001',
  '189.45',
  '99999999.9999999999',
  '99999999999999999.9',
  '999999999999999999',
];

function csvField(text) {
  return `"${text.replaceAll('"', '""')}"`;
}

/* Each symbol with each pair of neighbouring values, so that changes and percentages are extreme too. */
function* rows() {
  for (const symbol of AWKWARD)
    for (const [day, value] of [...VALUES, ...[...VALUES].reverse()].entries()) {
      const high = VALUES.at(-1);
      const low = VALUES[0];
      const date = `2024-01-${String(day + 1).padStart(2, '0')}`;
      yield [date, value, high, low, value, VALUES.at(-1), csvField(symbol)].join(',');
    }
}

test('no packet of a replayed value exceeds the buffer, however long its numbers', async (t) => {
  const broker = await Broker.start(t);
  const reader = await RawClient.subscribe(t, broker, 'stocks/#');
  const file = path.join(tempDir(t), 'extremes.csv');
  const lines = [...rows()];
  writeFileSync(file, ['date,open,high,low,close,volume,Name', ...lines, ''].join('\n'));

  const publisher = Publisher.start(t, broker, { feed: 'replay', args: ['--file', file, '--speed', 'max'] });
  assert.equal((await publisher.exited()).code, 0, publisher.log);
  const quotes = () => reader.packets.filter((p) => p.payload.startsWith('{'));
  await until(() => quotes().length >= lines.length, { detail: () => publisher.log });

  for (const { topic, payload } of quotes()) {
    const { symbol, price } = JSON.parse(payload);
    assert.equal(topic, `stocks/${levelOf(symbol)}`);
    assert.ok(VALUES.some((value) => Number(value) === price), payload);
  }
  const prices = new Set(reader.packets.filter((p) => p.topic.endsWith('/price')).map((p) => p.payload));
  assert.deepEqual([...prices].sort(), [...VALUES].sort(), 'every digit arrived');
  t.diagnostic(`largest of ${reader.packets.length}: ${assertAllFit(reader).size} bytes`);
});
