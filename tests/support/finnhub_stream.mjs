// A stand-in for Finnhub's WebSocket: one message a symbol subscribes, nothing is acknowledged, and one
// key has one connection.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';

import { WebSocketServer } from 'ws';

import { ROOT } from './program.mjs';
import { atEnd } from './scope.mjs';

const TLS = path.join(ROOT, 'tests/fixtures/tls');
export const CA_FILE = path.join(TLS, 'ca.pem');

export class FinnhubStream {
  attempts = []; // { path, at } of each request for an upgrade
  subscribed = []; // in the order of arrival, on the newest connection
  subscribedAt = [];
  closed = []; // the code of each close frame that came
  socket = null; // the newest connection, while it lives
  onUpgrade = () => false; // (socket): true when it has answered
  refusal = 0; // HTTP status that refuses upgrades
  most = 50; // symbols of the plan
  onConnect = () => {};

  static async start(t, { tls = false } = {}) {
    const standIn = new FinnhubStream();
    standIn.server = tls
      ? https.createServer({
          key: readFileSync(path.join(TLS, 'localhost.key')),
          cert: readFileSync(path.join(TLS, 'localhost.pem')),
        })
      : http.createServer();
    const sockets = new Set();
    standIn.server.on('connection', (socket) => sockets.add(socket));
    standIn.server.on('upgrade', (...upgrade) => standIn.#upgrade(...upgrade));
    await new Promise((resolve) => standIn.server.listen(0, '127.0.0.1', resolve));
    const { port } = standIn.server.address();
    standIn.url = tls ? `wss://localhost:${port}` : `ws://127.0.0.1:${port}`;
    atEnd(t, () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => standIn.server.close(resolve));
    });
    return standIn;
  }

  #server = new WebSocketServer({ noServer: true, perMessageDeflate: true });

  #upgrade(request, socket, head) {
    this.attempts.push({ path: request.url, at: performance.now() });
    socket.on('error', () => {});
    if (this.onUpgrade(socket)) return;
    if (this.refusal) {
      socket.end(`HTTP/1.1 ${this.refusal} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      this.socket = ws;
      this.raw = socket;
      this.subscribed = [];
      this.subscribedAt = [];
      ws.on('message', (text) => this.#hear(ws, JSON.parse(text)));
      ws.on('close', (code) => {
        this.closed.push(code);
        if (this.socket === ws) this.socket = null;
      });
      ws.on('error', () => {});
      this.onConnect(ws);
    });
  }

  #hear(ws, { type, symbol }) {
    if (type !== 'subscribe') return;
    this.subscribed.push(symbol);
    this.subscribedAt.push(performance.now());
    if (this.subscribed.length > this.most)
      ws.send(JSON.stringify({ msg: 'Subscribing to too many symbols', type: 'error' }));
  }

  /** One message with these trades: [symbol, price, { time, size, codes }]. */
  static frame(...trades) {
    const data = trades.map(([s, p, { time = Date.now(), size = 100, codes = ['1'] } = {}]) => ({
      ...{ c: codes, p, s, t: time, v: size },
    }));
    return JSON.stringify({ data, type: 'trade' });
  }

  trade(...trades) {
    this.socket.send(FinnhubStream.frame(...trades));
  }
}

/** The bytes of a server's frame, whole; `fin` false to be continued. */
export function frameBytes(payload, { opcode = 1, fin = true } = {}) {
  const body = Buffer.from(payload);
  const head = [(fin ? 0x80 : 0) | opcode];
  if (body.length < 126) head.push(body.length);
  else head.push(126, body.length >> 8, body.length & 255);
  return Buffer.concat([Buffer.from(head), body]);
}
