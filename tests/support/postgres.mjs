// A PostgreSQL server of our own: a fresh cluster in a temporary folder, under a user without rights.

import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { Program } from './program.mjs';
import { freePort, tempDir } from './scope.mjs';

const LIB = '/usr/lib/postgresql';

/** The folder of initdb and postgres; Debian has one for each version. */
function binaries() {
  const versions = readdirSync(LIB).sort((a, b) => Number(b) - Number(a));
  return path.join(LIB, versions[0], 'bin');
}

const asNobody = process.getuid() === 0 ? ['--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', '--'] : ['--'];

export class Postgres extends Program {
  /** A running server with an empty database. start() after stop() or kill() comes back with its data. */
  static async start(t) {
    const dir = path.join(tempDir(t), 'cluster');
    mkdirSync(dir);
    if (process.getuid() === 0) {
      const uid = Number(execFileSync('id', ['-u', 'nobody']));
      chownSync(path.dirname(dir), uid, -1);
      chownSync(dir, uid, -1);
    }
    const bin = binaries();
    const init = [...asNobody, path.join(bin, 'initdb'), '-D', dir, '-U', 'tapecast', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
    execFileSync('setpriv', init, { cwd: dir, stdio: 'ignore' });
    const port = await freePort();
    const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', `unix_socket_directories=${dir}`];
    const server = [...asNobody, path.join(bin, 'postgres'), '-D', dir, '-p', String(port), ...settings];
    const postgres = new Postgres(t, 'setpriv', server, { cwd: dir });
    postgres.port = port;
    postgres.url = `postgres://tapecast@127.0.0.1:${port}/postgres`;
    return postgres.start();
  }

  async start() {
    const from = this.log.length;
    super.start();
    await this.logged(/ready to accept connections/, { from, timeout: 15_000 });
    return this;
  }

  /** At once, whoever is connected. */
  stop(signal = 'SIGINT') {
    return super.stop(signal);
  }

  /** What the server answers to `sql`: rows as objects. */
  query(sql) {
    const all = `SELECT coalesce(json_agg(q), '[]') FROM (${sql}) q`;
    return JSON.parse(execFileSync('psql', ['-qAtX', this.url, '-c', all]).toString());
  }

  /** The bars of a symbol, as Recorder.bars() gives them. */
  bars(symbol, seconds) {
    return this.query(
      `SELECT t, open AS o, high AS h, low AS l, close AS c, b.volume AS v FROM bars b JOIN symbols ON id = symbol
       WHERE name = '${symbol}' AND resolution = ${seconds} ORDER BY t`,
    );
  }
}
