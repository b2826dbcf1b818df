// Thousands of subscriptions (TAPECAST_RACES says how many) that race a steady stream of messages: between the retained value that a
// subscription begins with and the live ones after it nothing is missing, and nothing older comes after newer.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Broker, Gateway } from '../support/index.mjs';
import { RawMqtt, RawSocket, TYPE, connectPacket, publishPacket, subscribePacket, unsubscribePacket } from '../support/raw.mjs';

const READERS = 40;
const SUBSCRIPTIONS = Math.ceil((process.env.TAPECAST_RACES ?? 24_000) / READERS) * READERS;
const TOPICS = ['stocks/A', 'stocks/B', 'stocks/C', 'stocks/D'];
const LIVE = 2; // messages after the retained one that each subscription waits for

/** Subscribes, waits for a few messages, unsubscribes, and so on; notes what breaks the rules. */
class Racer extends RawMqtt {
  frames = { push() {}, find() {} };
  newest = new Map(); // topic -> the greatest number seen
  faults = [];
  done = 0;

  race(filters, share) {
    this.filters = filters;
    this.share = share;
    this.next();
  }

  next() {
    if (this.done === this.share) return;
    this.filter = this.filters[this.done % this.filters.length];
    this.begun = new Map(); // topic -> the last number in this subscription
    this.live = 0;
    this.sendPacket(subscribePacket(this.filter, { version: this.version }));
  }

  onPacket(p) {
    if (p.type === TYPE.publish) this.message(p);
    else if (p.type === TYPE.unsuback) this.next(this.done++);
    else if (p.type !== TYPE.suback) this.packets.push(p);
  }

  message({ topic, text, retain }) {
    const n = Number(text);
    const last = this.begun.get(topic);
    if (n < (this.newest.get(topic) ?? 0)) this.faults.push(`${topic}: ${n} after ${this.newest.get(topic)}`);
    if (retain !== (last === undefined)) this.faults.push(`${topic}: ${n} is ${retain ? '' : 'not '}retained`);
    if (last !== undefined && n !== last + 1) this.faults.push(`${topic}: ${n} follows ${last}`);
    this.newest.set(topic, n);
    this.begun.set(topic, n);
    if (!retain && ++this.live === LIVE) this.sendPacket(unsubscribePacket(this.filter, { version: this.version }));
  }
}

test(`${SUBSCRIPTIONS} subscriptions race a stream of messages: no gap, no double, nothing out of order`, async (t) => {
  const broker = await Broker.start(t);
  const publisher = await RawSocket.open(t, broker);
  publisher.send(connectPacket({ clientId: 'stream' }));
  await publisher.until((s) => s.received.length > 0, "the broker's CONNACK");
  let n = 0;
  const publish = () => {
    n++;
    publisher.send(Buffer.concat(TOPICS.map((topic) => publishPacket(topic, String(n), { retain: true }))));
  };
  publish();
  const gateway = await Gateway.start(t, broker, { args: ['--topics', 'stocks/#'] });
  const readers = await Promise.all(
    Array.from({ length: READERS }, (_, i) => Racer.connect(t, gateway, { version: i % 2 ? 4 : 5 })),
  );
  const stream = setInterval(publish, 1);
  t.after(() => clearInterval(stream));
  readers.forEach((reader, i) =>
    reader.race([...TOPICS, `stocks/${'ABCD'[i % 4]}/#`, 'stocks/+'], SUBSCRIPTIONS / READERS),
  );
  const done = () => readers.reduce((sum, reader) => sum + reader.done, 0);
  const faults = () => readers.flatMap((reader) => reader.faults);
  await readers[0].until(() => done() === SUBSCRIPTIONS || faults().length > 0, 'all to be done', 120_000);
  assert.deepEqual(faults().slice(0, 10), []);
  assert.equal(done(), SUBSCRIPTIONS);
  assert.equal(await gateway.metric('tapecast_catch_ups_total'), 0);
});
