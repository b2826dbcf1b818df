// The two stores that history is kept in, so that what one has to do is asked of both.

import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { Postgres } from './postgres.mjs';
import { exportBars, exportedBars } from './recorder.mjs';
import { atEnd, tempDir } from './scope.mjs';
import { until } from './until.mjs';

export const STORES = ['sqlite', 'postgres'];

/**
 * `fresh(t, kind)` of a test file makes an empty store; `file` is { after } of node:test. The databases of
 * a file are on one server, which starts with the first of them.
 */
export function stores(file) {
  let server;
  atEnd(file, () => {}); // while the file is read: inside a test, `after` would be that test's
  return async function fresh(t, kind) {
    if (kind === 'sqlite') return new Store(path.join(tempDir(t), 'history.db'));
    server ??= Postgres.start(file);
    return new Store(await (await server).database(), await server);
  };
}

export class Store {
  /** `url` as --store takes it; the `server` of a PostgreSQL database. */
  constructor(url, server) {
    this.url = url;
    this.server = server;
  }

  /** The bars of a symbol, prices as numbers, ascending. */
  bars(symbol, seconds) {
    return exportBars(this.url, symbol, seconds);
  }

  /** The same for who asks again and again. */
  read(symbol, seconds) {
    return exportedBars(this.url, symbol, seconds);
  }

  /** Wait until there are `n` bars of a symbol and resolution, and return them. */
  async has(n, symbol, seconds, { timeout, detail = () => '' } = {}) {
    let bars = [];
    return until(async () => (bars = await this.read(symbol, seconds)).length >= n && bars, {
      timeout,
      every: 100,
      what: `${n} bars of ${seconds} s of ${symbol}`,
      detail: () => JSON.stringify(bars) + detail(),
    });
  }

  /** The time in ms of the newest quote of a symbol that is stored; 0: there is none. */
  newest(symbol) {
    const sql = `SELECT newest_ms FROM symbols WHERE name = '${symbol}'`;
    const options = { stdio: ['ignore', 'pipe', 'ignore'] };
    const text = this.server
      ? this.server.psql(this.url, sql)
      : execFileSync('sqlite3', ['-readonly', '-cmd', '.timeout 5000', this.url, sql], options).toString();
    return Number(text);
  }
}
