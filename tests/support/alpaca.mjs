// A stand-in for Alpaca's market data: its stream (authentication, the full set of subscriptions, error
// codes) and its snapshots, on one port.

import http from 'node:http';
import https from 'node:https';

import { WebSocketServer } from 'ws';

import { atEnd } from './scope.mjs';

export class AlpacaStandIn {
  attempts = []; // { path, at } of each request for an upgrade
  requests = []; // { path, symbols, key, at } of each request for snapshots
  auths = []; // what was said to authenticate
  closed = []; // the code of each close frame that came
  socket = null; // the newest connection, while it lives
  set = new Set(); // subscribed on it
  limit = 30; // symbols of the plan
  onUpgrade = () => false; // (socket): true when it has answered
  malformed = new Set(); // symbols that fail what names them
  greeting = () => this.say({ T: 'success', msg: 'connected' });
  verdict = () => this.say({ T: 'success', msg: 'authenticated' });
  snapshots = {}; // symbol -> snapshot
  answer = null; // ({ response, json }) instead of the snapshots
  bars = {}; // symbol -> minute bars, ascending
  pageSize = 10_000; // bars of one answer
  asked = []; // searchParams of each request for bars

  /** `tls`: { key, cert }, PEM, for `localhost`. */
  static async start(t, { tls } = {}) {
    const standIn = new AlpacaStandIn();
    const serve = (request, response) => standIn.#serve(request, response);
    standIn.server = tls ? https.createServer(tls, serve) : http.createServer(serve);
    const sockets = new Set();
    standIn.server.on('connection', (socket) => sockets.add(socket));
    standIn.server.on('upgrade', (...upgrade) => standIn.#upgrade(...upgrade));
    await new Promise((resolve) => standIn.server.listen(0, '127.0.0.1', resolve));
    const { port } = standIn.server.address();
    const origin = tls ? `s://localhost:${port}` : `://127.0.0.1:${port}`;
    standIn.url = `http${origin}`;
    standIn.wsUrl = `ws${origin}`;
    atEnd(t, () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => standIn.server.close(resolve));
    });
    return standIn;
  }

  say(...items) {
    this.socket?.send(JSON.stringify(items));
  }

  refuse(code, msg = 'refused') {
    this.say({ T: 'error', code, msg });
  }

  lastId = 0; // of a trade; the next one has the next

  /** One message with these trades: [symbol, price, { time, size, codes, tape, id }]. */
  trade(...trades) {
    this.say(
      ...trades.map(([S, p, { time = Date.now(), size = 100, codes = ['@'], tape = 'C', id = ++this.lastId } = {}]) => ({
        ...{ T: 't', S, i: id, x: 'K', p, s: size, c: codes, z: tape },
        t: new Date(time).toISOString().replace('Z', '123456Z'),
      })),
    );
  }

  #server = new WebSocketServer({ noServer: true, perMessageDeflate: true });

  #upgrade(request, socket, head) {
    this.attempts.push({ path: request.url, at: performance.now() });
    socket.on('error', () => {});
    if (this.onUpgrade(socket)) return;
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      this.socket = ws;
      this.raw = socket;
      this.set = new Set();
      ws.on('message', (text) => this.#hear(JSON.parse(text)));
      ws.on('close', (code) => {
        this.closed.push(code);
        if (this.socket === ws) this.socket = null;
      });
      ws.on('error', () => {});
      this.greeting();
    });
  }

  #hear(message) {
    if (message.action === 'auth') {
      this.auths.push(message);
      this.verdict();
    }
    if (message.action === 'subscribe') this.#subscribe(message.trades);
  }

  #subscribe(symbols) {
    if (symbols.some((symbol) => this.malformed.has(symbol))) return this.refuse(400, 'invalid syntax');
    if (new Set([...this.set, ...symbols]).size > this.limit)
      return this.refuse(405, 'symbol limit exceeded');
    for (const symbol of symbols) this.set.add(symbol);
    this.echo();
  }

  echo() {
    const trades = [...this.set];
    this.say({ T: 'subscription', trades, quotes: [], bars: [], corrections: trades, cancelErrors: trades });
  }

  #serve(request, response) {
    const url = new URL(request.url, 'http://stand-in');
    if (url.pathname === '/v2/stocks/bars') return this.#serveBars(request, response, url.searchParams);
    const symbols = (url.searchParams.get('symbols') ?? '').split(',');
    const key = [request.headers['apca-api-key-id'], request.headers['apca-api-secret-key']];
    this.requests.push({ path: url.pathname, feed: url.searchParams.get('feed'), symbols, key, at: performance.now() });
    const json = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    if (this.answer) return this.answer({ response, json, symbols });
    const bad = symbols.find((symbol) => this.malformed.has(symbol));
    if (bad) return json(400, { message: `invalid symbol: ${bad}` });
    const found = Object.fromEntries(symbols.map((symbol) => [symbol, this.snapshots[symbol] ?? null]));
    json(200, url.pathname.includes('crypto') ? { snapshots: found } : found);
  }

  #serveBars(request, response, params) {
    const json = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    this.asked.push({ ...Object.fromEntries(params), key: request.headers['apca-api-key-id'] });
    if (this.answer) return this.answer({ response, json });
    const symbol = params.get('symbols');
    const [start, end] = [params.get('start'), params.get('end')].map(Date.parse);
    const all = (this.bars[symbol] ?? []).filter((b) => Date.parse(b.t) >= start && Date.parse(b.t) <= end);
    const from = Number(params.get('page_token') ?? 0);
    const next = from + this.pageSize < all.length ? String(from + this.pageSize) : null;
    const bars = all.length > 0 ? { [symbol]: all.slice(from, from + this.pageSize) } : {};
    json(200, { bars, next_page_token: next });
  }
}

/** A snapshot whose last trade was made `ageMs` ago, with a daily bar of that day and one before. */
export function snapshot(price, { ageMs = 0, codes = ['@'], ...rest } = {}) {
  const time = new Date(Date.now() - ageMs).toISOString();
  return {
    latestTrade: { t: time, x: 'Q', p: price, s: 160, c: codes, i: 1011, z: 'C' },
    latestQuote: { t: time, bx: 'Q', bp: 0, bs: 0, ax: 'Q', ap: 0, as: 0, c: ['R'], z: 'C' },
    minuteBar: null,
    dailyBar: null,
    prevDailyBar: null,
    ...rest,
  };
}
