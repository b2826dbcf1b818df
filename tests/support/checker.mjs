// Readers of each door that check every quote as it comes. Quotes carry `seq`, which counts a symbol's quotes
// without a gap.

import assert from 'node:assert/strict';

import { OP, RawMqtt, RawSocket, RawWebSocket, TYPE } from './raw.mjs';

const seqOf = (text) => {
  const at = text.indexOf('"seq":');
  return at < 0 ? undefined : parseInt(text.toString('latin1', at + 6, at + 20), 10);
};

const checking = (Base) =>
  class extends Base {
    last = new Map(); // topic -> seq
    count = 0;
    gaps = []; // where live messages were missing
    older = []; // where an older one came after a newer
    gapsAllowed = false;

    /** Forget what was seen: a new subscription begins with its snapshot. */
    restart() {
      this.last.clear();
    }

    check(topic, seq, repeats = false) {
      const last = this.last.get(topic);
      this.count += 1;
      this.last.set(topic, seq);
      if (last === undefined) return;
      if (seq < last || (seq === last && !repeats)) this.older.push(`${topic}: ${seq} after ${last}`);
      else if (seq > last + 1) this.gaps.push(`${topic}: ${seq} after ${last}`);
    }

    assertWell() {
      assert.equal(this.ended, false, 'still connected');
      assert.deepEqual(this.older, [], 'never older after newer');
      if (!this.gapsAllowed) assert.deepEqual(this.gaps, [], 'nothing missing');
    }

    /** Every symbol has come at least as far as `other` had it when this was called, before that got `quotes` more. */
    async catchesUpWith(other, quotes) {
      const goal = new Map(other.last);
      const from = other.count;
      const there = () => [...goal].every(([topic, seq]) => this.last.get(topic) >= seq);
      await this.until(() => there() || other.count - from > quotes, 'the newest values');
      assert.ok(there(), `not within ${quotes} quotes of the other reader`);
    }

    describe() {
      return `${this.count} quotes, ${JSON.stringify([...this.last].slice(0, 5))}, ${super.describe()}`;
    }
  };

/** At /mqtt. */
export class Checker extends checking(RawMqtt) {
  static async start(t, gateway, filters, options = {}) {
    const reader = await this.connect(t, gateway, options);
    await reader.subscribe(filters, options);
    return reader;
  }

  onFrame(f) {
    super.onFrame(f);
    this.frames.length = 0;
  }

  onPacket(p, size) {
    const seq = p.type === TYPE.publish ? seqOf(p.payload) : undefined;
    if (seq === undefined) super.onPacket(p, size);
    else this.check(p.topic, seq, p.retain);
  }
}

/** The JSON WebSocket: what is no quote is kept in `said`. */
export class RawJson extends RawWebSocket {
  said = [];
  quotes = [];
  pings = 0;

  static async connect(t, gateway, { path = '/ws', fields } = {}) {
    return this.upgrade(t, gateway, { path, fields: { 'Sec-WebSocket-Protocol': null, ...fields } });
  }

  onFrame(f) {
    if (f.opcode !== OP.text) {
      super.onFrame(f);
      return;
    }
    const message = JSON.parse(f.payload.toString()); // each message is one JSON text
    if (message.type) this.said.push(message);
    else this.onQuote(message, f.payload);
  }

  onQuote(quote) {
    this.quotes.push(quote);
  }

  say(message) {
    if (message.action === 'ping') this.pings++;
    this.sendFrame(OP.text, typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Say it; resolves to what is answered (quotes apart). */
  async ask(message) {
    const n = this.said.length;
    this.say(message);
    return this.until(() => this.said[n], 'an answer');
  }

  async subscribe(symbols) {
    return this.ask({ action: 'subscribe', symbols });
  }

  async unsubscribe(symbols) {
    return this.ask({ action: 'unsubscribe', symbols });
  }

  /** All that was under way before has come. */
  async sync() {
    this.say({ action: 'ping' });
    await this.until(() => this.said.filter((m) => m.type === 'pong').length === this.pings, 'the answer to each ping');
  }
}

const symbolsOf = (filters) => [filters].flat().map((f) => f.replace('stocks/+', '*').replace('stocks/', ''));

/** At /ws. */
export class WsChecker extends checking(RawJson) {
  static async start(t, gateway, filters) {
    const reader = await this.connect(t, gateway);
    await reader.subscribe(symbolsOf(filters));
    return reader;
  }

  onQuote(quote, text) {
    assert.equal(quote.ticker, quote.symbol);
    this.check(`stocks/${quote.symbol}`, seqOf(text));
  }
}

/** A stream of Server-Sent Events, in the order of arrival in `events`: { id, event, data }. */
export class RawSse extends RawSocket {
  events = [];
  comments = [];
  rest = '';

  /** Ask and wait for the head. */
  static async connect(t, gateway, path, { method = 'GET', version = 'HTTP/1.1', fields = {}, seed } = {}) {
    const raw = Object.assign(await this.open(t, gateway), seed);
    const lines = Object.entries({ Host: '127.0.0.1', ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
    raw.send(`${method} ${path} ${version}\r\n${lines.join('')}\r\n`);
    await raw.until(() => raw.head || raw.ended, 'the head of an answer');
    return raw;
  }

  onBytes(bytes) {
    if (!this.head) {
      super.onBytes(bytes);
      const end = this.received.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.received.toString('latin1', 0, end);
      this.status = Number(this.head.split(' ')[1]);
      bytes = this.received.subarray(end + 4);
    }
    this.rest += bytes.toString();
    for (let end; (end = this.rest.indexOf('\n\n')) >= 0; this.rest = this.rest.slice(end + 2))
      this.#take(this.rest.slice(0, end));
  }

  header(name) {
    return this.head.match(new RegExp(`^${name}: (.*)$`, 'im'))?.[1];
  }

  onEvent(event) {
    this.events.push(event);
  }

  #take(block) {
    const event = {};
    for (const line of block.split('\n')) {
      const [, field, value] = line.match(/^(\w*): ?(.*)$/);
      if (field === '') this.comments.push(value);
      else if (field === 'retry') this.retry = Number(value);
      else event[field] = value;
    }
    if (event.data !== undefined) this.onEvent(event);
  }

  describe() {
    return `${this.head}\n${JSON.stringify(this.events.slice(-5))} and then ${this.rest.slice(0, 200)}`;
  }
}

/** At /events. */
export class SseChecker extends checking(RawSse) {
  static async start(t, gateway, filters, options = {}) {
    return this.connect(t, gateway, `/events?symbols=${symbolsOf(filters).join()}`, options);
  }

  onEvent({ id, event, data }) {
    this.lastId = id ?? this.lastId;
    if (event !== 'quote') this.events.push({ event, data });
    else this.check(`stocks/${JSON.parse(data).symbol}`, seqOf(Buffer.from(data)));
  }

  /** A new stream that goes on where this one was. */
  async comeBack(t, gateway, filters) {
    const seed = { last: new Map(this.last), gapsAllowed: true };
    return SseChecker.start(t, gateway, filters, { seed, fields: { 'Last-Event-ID': this.lastId } });
  }
}

/** A reader of each door. */
export const checkers = [Checker, WsChecker, SseChecker];
