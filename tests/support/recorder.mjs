import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { Program, binDir } from './program.mjs';
import { tempDir } from './scope.mjs';

export class Recorder extends Program {
  /**
   * A recorder on `broker` (anything with a `url`) that is connected and subscribed. `store` is a file or a
   * postgres:// URL; a file of its own when not given. start() again goes on with the same store.
   */
  static async start(t, broker, { store, args = [], env = {} } = {}) {
    const at = store ?? path.join(tempDir(t), 'history.db');
    const options = ['--mqtt-url', broker.url, '--store', at, ...args];
    const recorder = new Recorder(t, 'tapecast-recorder', options, { env });
    recorder.store = at;
    return recorder.start();
  }

  async start() {
    const from = this.log.length;
    super.start();
    await this.logged(/broker is up at/, { from });
    return this;
  }

  /** What an SQLite store answers to `sql`: rows as objects. */
  query(sql) {
    const text = execFileSync('sqlite3', ['-readonly', '-json', '-cmd', '.timeout 5000', this.store, sql]);
    return text.length > 0 ? JSON.parse(text) : [];
  }

  /** The bars of a symbol, prices as numbers, ascending. */
  bars(symbol, seconds) {
    return exportBars(this.store, symbol, seconds);
  }
}

const NAMES = { 1: '1s', 60: '1m', 300: '5m', 900: '15m', 3600: '1h', 86400: '1d' };

const EXPORT = { env: { PATH: process.env.PATH }, maxBuffer: 1 << 30 };

function exportOf(store, symbol, seconds) {
  const args = ['export', '-', '--store', store, '--symbol', symbol, '--resolution', NAMES[seconds]];
  return [path.join(binDir(), 'tapecast-recorder'), args];
}

function barsOf(text, seconds) {
  const lines = text.trim().split('\n').slice(1);
  return lines.map((line) => {
    const [date, , ...numbers] = line.split(',');
    const [o, h, l, c, v] = numbers.map(Number);
    return { t: Number(seconds) === 86400 ? Date.parse(date) / 1000 : Number(date), o, h, l, c, v };
  });
}

/** What a store has of a symbol's bars, as `tapecast-recorder export` tells it. */
export function exportBars(store, symbol, seconds) {
  const options = { ...EXPORT, stdio: ['ignore', 'pipe', 'pipe'] };
  return barsOf(execFileSync(...exportOf(store, symbol, seconds), options).toString(), seconds);
}

/** The same for who asks again and again: others go on meanwhile. */
export async function exportedBars(store, symbol, seconds) {
  const { stdout } = await promisify(execFile)(...exportOf(store, symbol, seconds), EXPORT);
  return barsOf(stdout, seconds);
}

/** `tapecast-recorder` run to its end: { code, stdout, log }. */
export async function runRecorder(t, args) {
  const program = new Program(t, 'tapecast-recorder', args).start();
  const { code } = await program.exited(30_000);
  return { code, stdout: program.stdout, log: program.log };
}
