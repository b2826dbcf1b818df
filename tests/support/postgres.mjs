// A PostgreSQL server of our own: a fresh cluster in a temporary folder, under a user without rights.

import { execFileSync, spawnSync } from 'node:child_process';
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
  databases = 0;

  /** A running server. start() after stop() or kill() comes back with its data. */
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
    await this.logged(/ready to accept connections/, { from });
    return this;
  }

  /** At once, whoever is connected. */
  stop(signal = 'SIGINT') {
    return super.stop(signal);
  }

  /** All of it stands still, the processes that answer connections too. */
  freeze() {
    this.#signalAll('SIGSTOP');
  }

  thaw() {
    this.#signalAll('SIGCONT');
  }

  #signalAll(name) {
    const { stdout } = spawnSync('ps', ['--ppid', String(this.pid), '-o', 'pid=']);
    for (const pid of stdout.toString().trim().split(/\s+/).filter(Boolean)) process.kill(Number(pid), name);
    this.signal(name);
  }

  /** The URL of an empty database of its own. */
  async database() {
    const name = `history_${++this.databases}`;
    this.psql(this.url, `CREATE DATABASE ${name}`);
    return this.url.replace(/[^/]*$/, name);
  }

  /** What a database answers to `sql`, as text. */
  psql(url, sql) {
    return execFileSync(path.join(binaries(), 'psql'), ['-qAtX', url, '-c', sql]).toString().trim();
  }
}
