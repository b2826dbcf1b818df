// Clients without manners: TCP, HTTP, WebSocket and MQTT spoken byte by byte, so that a test can send what no
// library would, and sees what came as it came.

import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';

import { atEnd } from './scope.mjs';
import { until } from './until.mjs';

const WAIT_MS = 20_000;
const ANSWER_MS = 60_000; // some are megabytes, and the machine may be slow

/** A TCP connection that keeps what it received. */
export class RawSocket {
  #chunks = [];
  ended = false; // the other side sent FIN or RST
  reset = false;

  /** `ca`: what to trust, for TLS; `plain`: none, all the same; `from`: an address of this machine. */
  static async open(t, { port, ca }, { plain = false, from } = {}) {
    const raw = new this();
    const secure = ca && !plain;
    const to = { port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true };
    raw.socket = secure ? tls.connect({ ...to, ca, servername: 'localhost' }) : net.connect(to);
    raw.socket.setNoDelay(true);
    raw.socket.on('data', (bytes) => raw.onBytes(bytes));
    raw.socket.on('end', () => (raw.ended = true));
    raw.socket.on('error', () => (raw.ended = raw.reset = true));
    raw.socket.on('close', () => (raw.ended = true));
    atEnd(t, () => raw.socket.destroy());
    await new Promise((resolve) => {
      raw.socket.once(secure ? 'secureConnect' : 'connect', resolve);
      raw.socket.once('close', resolve);
    });
    return raw;
  }

  /** What came and was not taken yet. */
  get received() {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }

  set received(rest) {
    this.#chunks = [rest];
  }

  onBytes(bytes) {
    this.#chunks.push(bytes);
  }

  send(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** In pieces that arrive as such, as far as a network can promise. */
  async sendPieces(pieces) {
    for (const piece of pieces) {
      this.send(piece);
      await new Promise(setImmediate);
    }
  }

  /** Send no more, go on reading. */
  halfClose() {
    this.socket.end();
  }

  /** Stop reading, so that the peer's socket fills; resume() goes on. */
  stall() {
    this.socket.pause();
  }

  resume() {
    this.socket.resume();
  }

  destroy() {
    this.socket.destroy();
  }

  until(predicate, what = predicate.toString(), timeout = WAIT_MS) {
    return until(() => predicate(this), { timeout, what, detail: () => this.describe() });
  }

  closed(timeout = WAIT_MS) {
    return this.until((raw) => raw.ended, 'the connection to be closed', timeout);
  }

  describe() {
    return `ended: ${this.ended}, received: ${JSON.stringify(this.received.toString('latin1').slice(0, 600))}`;
  }
}

/** Reads HTTP answers. */
export class RawHttp extends RawSocket {
  /** The next answer: { status, headers (Map, lower case), body }. For HEAD say so: it has no body. */
  async answer({ head = false } = {}) {
    return this.until(() => this.#take(head), 'an HTTP answer', ANSWER_MS);
  }

  #take(head) {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first, ...lines] = this.received.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(lines.map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.replace(/^[^:]*: */, '')]));
    const status = Number(first.match(/^HTTP\/1\.1 (\d{3}) /)[1]);
    const length = head || status === 304 || status === 101 ? 0 : Number(headers.get('content-length'));
    const body = this.received.subarray(end + 4, end + 4 + length);
    if (body.length < length) return undefined;
    this.received = this.received.subarray(end + 4 + length);
    return { status, headers, body };
  }
}

// --- WebSocket ----------------------------------------------------------------------------------------

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** The request for a WebSocket; a field set to null is left out. */
export function upgradeRequest({ path = '/mqtt', method = 'GET', version = 'HTTP/1.1', fields = {} } = {}) {
  const all = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'mqtt',
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((v) => `${name}: ${v}\r\n`),
  );
  return `${method} ${path} ${version}\r\n${lines.join('')}\r\n`;
}

export function acceptOf(key) {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/**
 * A frame as a client sends it. `length`: what to announce instead of the payload's; `lengthBytes` (0, 2, 8):
 * how to write it, when not as short as can be.
 */
export function frame(opcode, payload = '', { fin = true, rsv = 0, masked = true, length, lengthBytes } = {}) {
  const bytes = Buffer.from(payload);
  const announced = BigInt(length ?? bytes.length);
  const wide = lengthBytes ?? (announced < 126n ? 0 : announced < 65536n ? 2 : 8);
  const head = Buffer.alloc(2 + wide);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (wide === 0 ? Number(announced) : wide === 2 ? 126 : 127);
  if (wide === 2) head.writeUInt16BE(Number(announced), 2);
  if (wide === 8) head.writeBigUInt64BE(announced, 2);
  if (!masked) return Buffer.concat([head, bytes]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, bytes.map((byte, i) => byte ^ mask[i & 3])]);
}

export function closeFrame(code, reason = '', options) {
  const payload = Buffer.from(`__${reason}`);
  payload.writeUInt16BE(code);
  return frame(OP.close, payload, options);
}

/** A connection that becomes a WebSocket; frames that came are in `frames`. */
export class RawWebSocket extends RawSocket {
  frames = []; // { opcode, fin, rsv, payload }
  upgraded = false;

  /** Open, ask, and wait for the 101. `first`: bytes sent together with the request. */
  static async upgrade(t, gateway, { first = '', ...request } = {}) {
    const raw = await this.open(t, gateway);
    raw.send(Buffer.concat([Buffer.from(upgradeRequest(request)), Buffer.from(first)]));
    await raw.until((r) => r.upgraded, 'the answer 101');
    return raw;
  }

  onBytes(bytes) {
    super.onBytes(bytes);
    if (!this.upgraded) this.#takeAnswer();
    while (this.upgraded && this.#takeFrame());
  }

  sendFrame(...args) {
    this.send(frame(...args));
  }

  get closeFrame() {
    return this.frames.find((f) => f.opcode === OP.close);
  }

  /** The code and reason that the other side closed with; undefined for none. */
  get closeCode() {
    const f = this.closeFrame;
    return f && f.payload.length >= 2 ? f.payload.readUInt16BE() : undefined;
  }

  /** Wait for the other side's close frame and the end after it; resolves to its code. */
  async closedWith(timeout = WAIT_MS) {
    await this.until((r) => r.closeFrame || r.ended, 'a close frame', timeout);
    await this.until((r) => r.ended, 'FIN after the close frame', timeout);
    return this.closeCode;
  }

  #takeAnswer() {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0 || !this.received.toString('latin1', 0, end).startsWith('HTTP/1.1 101 ')) return;
    this.answer = this.received.toString('latin1', 0, end);
    this.received = this.received.subarray(end + 4);
    this.upgraded = true;
  }

  #takeFrame() {
    const b = this.received;
    if (b.length < 2) return false;
    const wide = (b[1] & 0x7f) === 126 ? 2 : (b[1] & 0x7f) === 127 ? 8 : 0;
    if (b.length < 2 + wide) return false;
    const length = wide === 0 ? b[1] & 0x7f : wide === 2 ? b.readUInt16BE(2) : Number(b.readBigUInt64BE(2));
    const end = 2 + wide + length;
    if (b.length < end) return false;
    this.received = b.subarray(end);
    this.onFrame({
      opcode: b[0] & 0x0f,
      fin: (b[0] & 0x80) !== 0,
      rsv: (b[0] >> 4) & 7,
      masked: (b[1] & 0x80) !== 0,
      payload: b.subarray(2 + wide, end),
    });
    return true;
  }

  onFrame(f) {
    this.frames.push(f);
  }

  describe() {
    const frames = this.frames.slice(-5).map((f) => `\n  ${f.opcode} ${f.payload.toString('hex').slice(0, 200)}`);
    return super.describe() + frames.join('');
  }
}

// --- MQTT ---------------------------------------------------------------------------------------------

export const TYPE = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
};

export const u8 = (n) => Buffer.from([n]);
export const u16 = (n) => Buffer.from([n >> 8, n & 0xff]);
export const u32 = (n) => Buffer.from([(n >>> 24) & 0xff, (n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff]);
export const string = (s) => Buffer.concat([u16(Buffer.byteLength(s)), Buffer.from(s)]);
const join = (...parts) => Buffer.concat(parts.map((p) => Buffer.from(p)));

export function varint(n) {
  const bytes = [];
  do {
    bytes.push((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
    n >>= 7;
  } while (n > 0);
  return Buffer.from(bytes);
}

/** A packet; `length` announces another one than the body has. */
export function packet(type, body = [], { flags, length } = {}) {
  const two = type === TYPE.pubrel || type === TYPE.subscribe || type === TYPE.unsubscribe;
  const bytes = Buffer.from(body);
  return join(u8((type << 4) | (flags ?? (two ? 2 : 0))), varint(length ?? bytes.length), bytes);
}

/** Property lists: [[id, bytes]…]; `raw` bytes instead are taken as they are. */
export function properties(list = []) {
  const bytes = Buffer.concat(list.map(([id, value]) => join(u8(id), value)));
  return join(varint(bytes.length), bytes);
}

export const userProperty = (name, value) => [0x26, join(string(name), string(value))];

/** CONNECT; every field can be made wrong. */
export function connectPacket({
  version = 5,
  name = 'MQTT',
  level = version,
  clientId = '',
  clean = true,
  keepAlive = 0,
  will,
  username,
  password,
  flags,
  props = [],
} = {}) {
  const flagByte =
    flags ??
    (clean ? 2 : 0) | (will ? 4 : 0) | (password !== undefined ? 0x40 : 0) | (username !== undefined ? 0x80 : 0);
  return packet(
    TYPE.connect,
    join(
      string(name),
      u8(level),
      u8(flagByte),
      u16(keepAlive),
      version === 5 ? properties(props) : [],
      string(clientId),
      will && version === 5 ? properties([]) : [],
      will ? string(will.topic) : [],
      will ? string(will.payload) : [],
      username !== undefined ? string(username) : [],
      password !== undefined ? string(password) : [],
    ),
  );
}

/** SUBSCRIBE: filters are 'a/#' or ['a/#', options byte]. */
export function subscribePacket(filters, { version = 5, id = 1, props = [], flags } = {}) {
  const list = typeof filters === 'string' ? [filters] : filters;
  const parts = list.map((f) => (typeof f === 'string' ? join(string(f), u8(0)) : join(string(f[0]), u8(f[1]))));
  return packet(TYPE.subscribe, join(u16(id), version === 5 ? properties(props) : [], ...parts), { flags });
}

export function unsubscribePacket(filters, { version = 5, id = 1, props = [], flags } = {}) {
  const list = typeof filters === 'string' ? [filters] : filters;
  const body = join(u16(id), version === 5 ? properties(props) : [], ...list.map(string));
  return packet(TYPE.unsubscribe, body, { flags });
}

export function publishPacket(topic, payload, options = {}) {
  const { version = 5, qos = 0, retain = false, dup = false, id = 1, props = [] } = options;
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const body = join(string(topic), qos > 0 ? u16(id) : [], version === 5 ? properties(props) : [], Buffer.from(payload));
  return packet(TYPE.publish, body, { flags });
}

/** An MQTT session over a WebSocket; packets that came are in `packets`, decoded. */
export class RawMqtt extends RawWebSocket {
  packets = [];
  stream = Buffer.alloc(0);
  version = 5;

  /** Open, upgrade and send CONNECT; resolves when CONNACK is there (whatever it says). `path`, `fields`: of the request. */
  static async connect(t, gateway, { path, fields, ...connect } = {}) {
    const raw = await this.upgrade(t, gateway, { path, fields });
    raw.version = connect.version ?? 5;
    raw.sendPacket(connectPacket(connect));
    await raw.until((r) => r.connack || r.ended, 'CONNACK');
    return raw;
  }

  onFrame(f) {
    super.onFrame(f);
    if (f.opcode !== OP.binary) return;
    this.stream = this.stream.length > 0 ? Buffer.concat([this.stream, f.payload]) : f.payload;
    while (this.#takePacket());
  }

  sendPacket(bytes) {
    this.send(frame(OP.binary, bytes));
  }

  of(type) {
    return this.packets.filter((p) => p.type === type);
  }

  get connack() {
    return this.of(TYPE.connack)[0];
  }

  get disconnect() {
    return this.of(TYPE.disconnect)[0];
  }

  get messages() {
    return this.of(TYPE.publish);
  }

  /** Wait for a message on `topic`. */
  message(topic) {
    return this.until((r) => r.messages.find((m) => m.topic === topic), `a message on ${topic}`);
  }

  /** Subscribe; resolves to the SUBACK's reasons. */
  async subscribe(filters, { id = 1, ...options } = {}) {
    return this.#ask(TYPE.suback, subscribePacket(filters, { version: this.version, id, ...options }));
  }

  async unsubscribe(filters, { id = 1, ...options } = {}) {
    return this.#ask(TYPE.unsuback, unsubscribePacket(filters, { version: this.version, id, ...options }));
  }

  async #ask(type, bytes) {
    const n = this.of(type).length;
    this.sendPacket(bytes);
    await this.until((r) => r.of(type).length > n, 'an acknowledgement');
    return this.of(type)[n].reasons;
  }

  /** All that was under way before has come: the answer to a PINGREQ is behind it. */
  async sync() {
    const n = this.of(TYPE.pingresp).length;
    this.sendPacket(packet(TYPE.pingreq));
    await this.until((r) => r.of(TYPE.pingresp).length > n, 'PINGRESP');
  }

  #takePacket() {
    const b = this.stream;
    let length = 0;
    let at = 1;
    for (let shift = 0; ; shift += 7) {
      if (at >= b.length) return false;
      length |= (b[at] & 0x7f) << shift;
      if (!(b[at++] & 0x80)) break;
    }
    if (b.length < at + length) return false;
    this.stream = b.subarray(at + length);
    this.onPacket(decode(b[0] >> 4, b[0] & 0x0f, b.subarray(at, at + length), this.version), at + length);
    return true;
  }

  onPacket(p, size) {
    this.packets.push({ ...p, size });
  }

  describe() {
    const packets = this.packets.slice(-5).map((p) => `\n  ${JSON.stringify({ ...p, body: undefined })}`);
    return super.describe() + packets.join('');
  }
}

function decode(type, flags, body, version) {
  const p = { type, flags, body };
  if (type === TYPE.connack) {
    Object.assign(p, { sessionPresent: body[0] & 1, reason: body[1] });
    if (version === 5 && body.length > 2) p.properties = decodeProperties(body.subarray(2)).map;
  } else if (type === TYPE.suback || type === TYPE.unsuback) {
    const skip = version === 5 ? decodeProperties(body.subarray(2)).size : 0;
    Object.assign(p, { id: body.readUInt16BE(0), reasons: [...body.subarray(2 + skip)] });
  } else if (type === TYPE.disconnect) {
    p.reason = body[0] ?? 0;
    if (body.length > 1) p.properties = decodeProperties(body.subarray(1)).map;
  } else if (type === TYPE.publish) {
    const end = 2 + body.readUInt16BE(0);
    const list = version === 5 ? decodeList(body.subarray(end)) : Buffer.alloc(0);
    const skip = version === 5 ? varint(list.length).length + list.length : 0;
    Object.assign(p, { topic: body.toString('utf8', 2, end), payload: body.subarray(end + skip), qos: (flags >> 1) & 3 });
    p.propertyBytes = list;
    Object.assign(p, { text: p.payload.toString(), retain: (flags & 1) === 1, dup: (flags & 8) !== 0 });
  }
  return p;
}

const NUMBER_SIZES = { 0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2a: 1 };

/* The bytes of a property list, without their length. */
function decodeList(bytes) {
  let length = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    length |= (bytes[at] & 0x7f) << shift;
    if (!(bytes[at++] & 0x80)) return bytes.subarray(at, at + length);
  }
}

/* The properties of answers: numbers and strings. */
function decodeProperties(bytes) {
  const length = bytes[0];
  const map = new Map();
  for (let at = 1; at < 1 + length; ) {
    const id = bytes[at++];
    const size = NUMBER_SIZES[id];
    if (size) {
      map.set(id, bytes.readUIntBE(at, size));
      at += size;
    } else {
      const n = bytes.readUInt16BE(at);
      map.set(id, bytes.toString('utf8', at + 2, at + 2 + n));
      at += 2 + n;
    }
  }
  return { map, size: 1 + length };
}
