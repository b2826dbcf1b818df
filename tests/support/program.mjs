// One real program under test: started, watched, signalled, and surely gone at the end.

import { spawn } from 'node:child_process';
import { existsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { atEnd, tempDir } from './scope.mjs';
import { PATIENCE_MS, until, within } from './until.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const ORDERLY = [0, 1, 2, 143]; // 143: a script that SIGTERM ended
const STOP_MS = 10_000; // far above what we promise: sanitizers, a busy machine

/** The directory of the programs to test: TAPECAST_BIN, or build/$TAPECAST_BUILD, or asan, or dev. */
export function binDir() {
  if (process.env.TAPECAST_BIN) return path.resolve(process.env.TAPECAST_BIN);
  const builds = process.env.TAPECAST_BUILD ? [process.env.TAPECAST_BUILD] : ['asan', 'dev'];
  const dirs = builds.map((build) => path.join(ROOT, 'build', build, 'bin'));
  return dirs.find((dir) => existsSync(dir)) ?? dirs[0];
}

export class Program {
  /** All it wrote, stderr and stdout as they came. */
  log = '';
  stdout = '';
  running = false; // until its end is known and all that it wrote is in the log
  #child = null;
  #exited = null; // promise of { code, signal }
  #asked = false; // the end was our wish
  #sent = null; // the last signal of ours

  /**
   * `command` is a path, or the name of one of our programs. Nothing runs before start().
   * The environment is a clean one plus `env`, so that the developer's own settings decide nothing.
   */
  constructor(t, command, args = [], { env = {}, cwd, stdin = 'ignore', deathSignal = 'KILL' } = {}) {
    this.name = path.basename(command);
    this.command = command.startsWith('tapecast-') ? path.join(binDir(), command) : command;
    this.args = args;
    this.stdin = stdin; // 'pipe' for type()
    this.deathSignal = deathSignal; // what the kernel sends it when we end, however we do
    this.dir = cwd ?? tempDir(t);
    this.env = { ...cleanEnvironment(), ...env };
    atEnd(t, () => this.#finish(t));
  }

  get pid() {
    return this.#child?.pid;
  }

  start() {
    if (this.running) throw new Error(`${this.name} is running already`);
    this.#asked = false;
    const mortal = ['--pdeathsig', this.deathSignal, '--', this.command, ...this.args];
    const child = spawn('setpriv', mortal, {
      cwd: this.dir,
      env: this.env,
      stdio: [this.stdin, 'pipe', 'pipe'],
    });
    child.stdout.on('data', (bytes) => {
      this.stdout += bytes;
      this.log += bytes;
    });
    child.stderr.on('data', (bytes) => (this.log += bytes));
    this.#exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.running = false;
        resolve({ code, signal });
      });
    });
    this.#exited.catch(() => {}); // told to whoever waits
    this.#child = child;
    this.running = true;
    return this;
  }

  /** Resolves to `{ code, signal }` when it has ended (by itself, or asked to). */
  async exited(timeout = STOP_MS) {
    this.#asked = true;
    return within(this.#exited, timeout, `${this.name} to end`);
  }

  /** SIGTERM; resolves to `{ code, signal }`. */
  async stop(signal = 'SIGTERM') {
    this.signal(signal);
    return this.exited();
  }

  /** kill -9, as a crash would. */
  async kill() {
    return this.stop('SIGKILL');
  }

  signal(name) {
    this.#asked ||= name === 'SIGKILL' || name === 'SIGTERM' || name === 'SIGINT';
    this.#sent = name;
    this.#child.kill(name);
  }

  /** Type on its standard input. */
  type(text) {
    this.#child.stdin.write(text);
  }

  /** Stands still with its sockets open, like a hung machine. */
  freeze() {
    this.signal('SIGSTOP');
  }

  thaw() {
    this.signal('SIGCONT');
  }

  /** Wait for the log to match `pattern` (from `from` on); resolves to the match. */
  async logged(pattern, { timeout = PATIENCE_MS, from = 0 } = {}) {
    const match = () => this.log.slice(from).match(pattern);
    await until(() => match() || !this.running, {
      timeout,
      what: `${this.name} to log ${pattern}`,
      detail: () => this.log,
    });
    if (!match()) throw new Error(`${this.name} ended before it logged ${pattern}:\n${this.log}`);
    return match();
  }

  async #finish(t) {
    try {
      await this.#endWell();
    } catch (error) {
      show(this);
      throw error;
    }
    if (t.passed === undefined) shownOnFailure.push(this); // only the exit status will tell
    else if (!t.passed) show(this);
  }

  /* A program that still runs has to stop when asked, and none may have died by itself. */
  async #endWell() {
    if (this.#child === null) return;
    const ended = this.running ? await this.#stopOrKill() : await this.#exited;
    if (this.log.includes('Sanitizer') || this.log.includes('runtime error:'))
      throw new Error(`${this.name}: a sanitizer found something, see its log`);
    const orderly = ended.signal ? ended.signal === this.#sent : ORDERLY.includes(ended.code);
    if (!this.#asked || !orderly)
      throw new Error(`${this.name} ended with ${ended.signal ?? `status ${ended.code}`}`);
  }

  async #stopOrKill() {
    this.thaw();
    try {
      return await this.stop();
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw error;
    }
  }
}

function cleanEnvironment() {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  return {
    PATH: `${PATH}:/usr/sbin`,
    HOME,
    LANG,
    ...(TMPDIR && { TMPDIR }),
    ASAN_OPTIONS: 'detect_stack_use_after_return=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  };
}

const shownOnFailure = [];

function show(program) {
  writeSync(2, `--- log of ${program.name} ${program.args.join(' ')}\n${program.log}---\n`);
}

process.on('exit', () => {
  if (process.exitCode) shownOnFailure.forEach(show);
});
