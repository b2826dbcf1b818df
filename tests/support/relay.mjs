// A TCP relay between two real programs, to do to a network what networks do.

import net from 'node:net';

import { atEnd } from './scope.mjs';
import { pause } from './until.mjs';

const HELD_BYTES = 64 * 1024; // of one direction, before its sender feels the pressure

export class Relay {
  delayMs = 0; // added to each byte, either way
  bytesPerSecond = Infinity; // of each connection, each way
  accepted = 0; // connections so far
  #links = new Set();
  #stalled = false;
  #wake = [];
  #refusing = false;

  /** A relay on a port of its own to `target`: anything with a `port` on loopback. */
  static async start(t, target) {
    const relay = new Relay();
    relay.target = target;
    relay.server = net.createServer({ allowHalfOpen: true }, (socket) => relay.#accept(socket));
    await new Promise((resolve) => relay.server.listen(0, '127.0.0.1', resolve));
    relay.port = relay.server.address().port;
    relay.url = `mqtt://127.0.0.1:${relay.port}`;
    atEnd(t, () => relay.close());
    return relay;
  }

  get connections() {
    return this.#links.size;
  }

  /** Nothing moves, nothing closes: a half-open link. Connections made meanwhile hang too. */
  stall() {
    this.#stalled = true;
    for (const link of this.#links) link.hold();
  }

  /** Everything flows again: after stall(), refuse(), delay or throttle. */
  pass() {
    this.#stalled = this.#refusing = false;
    this.delayMs = 0;
    this.bytesPerSecond = Infinity;
    for (const wake of this.#wake.splice(0)) wake();
    for (const link of this.#links) link.release();
  }

  /** Reset every connection there is; new ones are served. */
  cut() {
    for (const link of this.#links) link.reset();
  }

  /** Reset every connection, and each new one too, until pass(). */
  refuse() {
    this.#refusing = true;
    this.cut();
  }

  /** End one direction, keep the other: 'up' ends client -> target, 'down' target -> client. */
  halfClose(way) {
    for (const link of this.#links) link.halfClose(way);
  }

  async close() {
    this.pass();
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /* --- for the links --- */

  get stalled() {
    return this.#stalled;
  }

  /** Resolves at once while bytes may pass, else when they may again. */
  passing() {
    return this.#stalled ? new Promise((resolve) => this.#wake.push(resolve)) : undefined;
  }

  #accept(client) {
    this.accepted += 1;
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(this, client, net.connect({ port: this.target.port, allowHalfOpen: true }));
    this.#links.add(link);
    link.closed.then(() => this.#links.delete(link));
  }
}

class Link {
  constructor(relay, client, server) {
    this.sockets = [client, server];
    this.up = new Pipe(relay, client, server);
    this.down = new Pipe(relay, server, client);
    for (const socket of this.sockets) {
      socket.setNoDelay(true);
      socket.on('error', () => this.reset()); // one side's reset is the other's too
    }
    this.closed = Promise.all(this.sockets.map((s) => new Promise((done) => s.once('close', done))));
  }

  hold() {
    for (const socket of this.sockets) socket.pause();
  }

  release() {
    for (const socket of this.sockets) socket.resume();
  }

  reset() {
    for (const socket of this.sockets) reset(socket);
  }

  halfClose(way) {
    (way === 'up' ? this.up : this.down).end();
  }
}

/* One direction: what comes from `from` is written to `to` in order, each chunk at its time. */
class Pipe {
  #held = 0;
  #tail = Promise.resolve();
  #ended = false;

  constructor(relay, from, to) {
    Object.assign(this, { relay, from, to });
    from.on('data', (chunk) => this.#receive(chunk));
    from.on('end', () => this.#queue(() => this.end()));
    if (relay.stalled) from.pause(); // after the listener for data, which makes it flow
    if (relay.stalled) from.pause(); // a listener for data makes it flow
  }

  end() {
    this.#ended = true;
    this.to.end();
  }

  #queue(step) {
    this.#tail = this.#tail.then(step).catch(() => this.from.destroy());
  }

  #receive(chunk) {
    const due = performance.now() + this.relay.delayMs;
    this.#held += chunk.length;
    if (this.#held > HELD_BYTES) this.from.pause();
    this.#queue(() => this.#forward(chunk, due));
  }

  async #forward(chunk, due) {
    await pause(due - performance.now());
    for (const slice of this.#slices(chunk)) {
      await this.relay.passing();
      await this.#write(slice);
    }
    this.#held -= chunk.length;
    if (this.#held <= HELD_BYTES && !this.relay.stalled) this.from.resume();
  }

  /* Tenths of a second's worth: a throttled link trickles. */
  *#slices(chunk) {
    for (let at = 0; at < chunk.length; ) {
      const size = Math.max(1, Math.min(chunk.length - at, Math.floor(this.relay.bytesPerSecond / 10)));
      yield chunk.subarray(at, at + size);
      at += size;
    }
  }

  async #write(slice) {
    if (this.#ended || this.to.destroyed) return;
    if (!this.to.write(slice)) await drained(this.to);
    if (this.relay.bytesPerSecond !== Infinity)
      await pause((slice.length * 1000) / this.relay.bytesPerSecond);
  }
}

/* A socket whose end is on its way cannot be reset: libuv refuses, Node does not notice, and spins for
   ever when the process ends. */
function reset(socket) {
  if (socket.writableEnded) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}

function drained(socket) {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });
}
