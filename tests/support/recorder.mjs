import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { Program } from './program.mjs';
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
    return this.query(
      `SELECT t, open / p AS o, high / p AS h, low / p AS l, close / p AS c, v FROM (
         SELECT b.*, pow(10.0, scale) AS p, volume / pow(10.0, volume_scale) AS v FROM bars b
         WHERE symbol = (SELECT id FROM symbols WHERE name = '${symbol}') AND resolution = ${seconds})
       ORDER BY t`,
    );
  }
}

/** `tapecast-recorder` run to its end: { code, stdout, log }. */
export async function runRecorder(t, args) {
  const program = new Program(t, 'tapecast-recorder', args).start();
  const { code } = await program.exited(30_000);
  return { code, stdout: program.stdout, log: program.log };
}
