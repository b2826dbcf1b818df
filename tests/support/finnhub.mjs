// A stand-in for Finnhub's REST service that can go wrong in every way the real one has been seen to.

import http from 'node:http';

import { atEnd } from './scope.mjs';

export class FinnhubStandIn {
  requests = []; // { symbol, path, token, at } in the order of arrival
  served = new Map(); // symbol -> every quote given with a price, as { price, timestamp }
  wait = 20_000; // of the answer `slow`, in ms
  headers = {}; // beside each answer
  reply = null; // ({ standIn, symbol, response, json }) instead of all of them
  #answers = new Map(); // symbol, or '*' for all others -> name in ANSWERS
  #ticks = 0;
  #startS = Math.floor(Date.now() / 1000) - 3600;

  static async start(t) {
    const standIn = new FinnhubStandIn();
    standIn.server = http.createServer((request, response) => standIn.#serve(request, response));
    await new Promise((resolve) => standIn.server.listen(0, '127.0.0.1', resolve));
    standIn.url = `http://127.0.0.1:${standIn.server.address().port}/api/v1`;
    atEnd(t, () => standIn.#close());
    return standIn;
  }

  /** From now on every symbol, or only `symbol`, is answered by that entry of ANSWERS. */
  answer(name, symbol = '*') {
    if (!(name in ANSWERS)) throw new Error(`no answer is called ${name}`);
    this.#answers.set(symbol, name);
  }

  asked(symbol) {
    return this.requests.filter((r) => r.symbol === symbol).length;
  }

  /** The next good quote of `symbol`: a price never given before, a second later than the last. */
  next(symbol) {
    this.#ticks += 1;
    const price = (20_000 + this.#ticks) / 100;
    const t = this.#startS + this.#ticks;
    return { c: price, d: 1.5, dp: 0.75, h: price + 1, l: price - 1, o: 199.5, pc: 199, t };
  }

  /** Remember that this quote may be published. */
  give(symbol, quote) {
    if (!this.served.has(symbol)) this.served.set(symbol, []);
    this.served.get(symbol).push({ price: quote.c, timestamp: quote.t * 1000 });
    return quote;
  }

  #serve(request, response) {
    const url = new URL(request.url, 'http://stand-in');
    const symbol = url.searchParams.get('symbol');
    this.requests.push({
      symbol,
      path: request.url,
      token: request.headers['x-finnhub-token'],
      at: performance.now(),
    });
    for (const [name, value] of Object.entries(this.headers)) response.setHeader(name, value);
    const name = this.#answers.get(symbol) ?? this.#answers.get('*') ?? 'good';
    (this.reply ?? ANSWERS[name])({ standIn: this, symbol, response, json });

    function json(status, body) {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    }
  }

  async #close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const ZEROS = { c: 0, d: null, dp: null, h: 0, l: 0, o: 0, pc: 0, t: 0 };

export const ANSWERS = {
  good({ standIn, symbol, json }) {
    json(200, standIn.give(symbol, standIn.next(symbol)));
  },
  repeated({ standIn, symbol, json }) {
    const last = standIn.served.get(symbol)?.at(-1);
    if (!last) return ANSWERS.good({ standIn, symbol, json });
    json(200, { ...standIn.next(symbol), c: last.price, t: last.timestamp / 1000 });
  },
  bare({ standIn, symbol, json }) {
    const { c, t } = standIn.give(symbol, standIn.next(symbol));
    json(200, { c, d: null, dp: null, h: 0, l: 0, o: 0, pc: 0, t });
  },

  // nothing of these may be published
  zeros: ({ json }) => json(200, ZEROS),
  nulls: ({ json }) =>
    json(200, { c: null, d: null, dp: null, h: null, l: null, o: null, pc: null, t: null }),
  negative: ({ standIn, symbol, json }) => json(200, { ...standIn.next(symbol), c: -5 }),
  text: ({ standIn, symbol, json }) => json(200, { ...standIn.next(symbol), c: '777.77' }),
  timeless: ({ standIn, symbol, json }) => json(200, { ...standIn.next(symbol), c: 777.77, t: 0 }),
  older: ({ standIn, symbol, json }) =>
    json(200, { ...standIn.next(symbol), c: 201.01, t: 1_000_000_000 }),
  future: ({ standIn, symbol, json }) =>
    json(200, { ...standIn.next(symbol), t: Math.floor(Date.now() / 1000) + 3600 }),
  spike({ standIn, symbol, json }) {
    const quote = standIn.next(symbol);
    json(200, { ...quote, c: quote.c * 10 ** (1 + (standIn.asked(symbol) % 3)) }); // never twice
  },

  unauthorized: ({ json }) => json(401, { error: 'Invalid API key.' }),
  signUp: ({ json }) =>
    json(429, { error: 'API limit reached. Please sign up for a free account at finnhub.io' }),
  forbidden: ({ json }) => json(403, { error: "You don't have access to this resource." }),
  limited: ({ json }) =>
    json(429, { error: 'API limit reached. Please try again later. Remaining Limit: 0' }),

  error: ({ json }) => json(500, { error: 'Internal error' }),
  errorWithPrice: ({ standIn, symbol, json }) => json(500, { ...standIn.next(symbol), c: 777.77 }),
  html({ response }) {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>Just a moment...</title>');
  },
  truncated({ standIn, symbol, response }) {
    const text = JSON.stringify({ ...standIn.next(symbol), c: 777.77 });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(text.slice(0, text.length - 12));
  },
  dropped({ response }) {
    response.socket.destroy();
  },
  droppedMidway({ standIn, symbol, response }) {
    const text = JSON.stringify({ ...standIn.next(symbol), c: 777.77 });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
    response.write(text.slice(0, 20), () => response.socket.destroy());
  },
  huge({ standIn, symbol, response }) {
    const quote = JSON.stringify({ ...standIn.next(symbol), c: 777.77 });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(quote + ' '.repeat(200_000));
  },
  redirect({ standIn, response }) {
    response.writeHead(302, { location: `${standIn.url}/quote?symbol=ELSEWHERE` });
    response.end();
  },
  slow({ standIn, symbol, json, response }) {
    const timer = setTimeout(() => json(200, standIn.next(symbol)), standIn.wait);
    response.on('close', () => clearTimeout(timer));
  },
};
