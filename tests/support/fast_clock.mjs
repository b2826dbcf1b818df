// A program that lives faster than the test, or by another clock: libfaketime tells it the time.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { tempDir } from './scope.mjs';

const LIBRARY = readdirSync('/usr/lib')
  .map((dir) => `/usr/lib/${dir}/faketime/libfaketime.so.1`)
  .find((file) => existsSync(file));

/** Time that runs `speed` times as fast as ours from `start` (ms since the epoch) on. */
export class FastClock {
  constructor(start, speed) {
    this.start = start;
    this.speed = speed;
    this.began = performance.now();
  }

  now() {
    return this.start + (performance.now() - this.began) * this.speed;
  }

  /** What the program needs in its environment; this clock begins now. */
  env() {
    this.began = performance.now();
    const start = new Date(this.start).toISOString().slice(0, 19).replace('T', ' ');
    return { LD_PRELOAD: LIBRARY, FAKETIME: `@${start} x${this.speed}`, TZ: 'UTC' };
  }

  async pass(ms) {
    await new Promise((resolve) => setTimeout(resolve, ms / this.speed));
  }
}

/** A program's wall clock, which jumps as we like, while its intervals are ours. */
export class JumpyClock {
  constructor(t) {
    this.file = path.join(tempDir(t), 'clock');
    this.jump(0);
  }

  /** From now on it is `ms` off. */
  jump(ms) {
    writeFileSync(this.file, `${ms < 0 ? '-' : '+'}${Math.abs(ms) / 1000}`);
  }

  env() {
    const faketime = { FAKETIME_TIMESTAMP_FILE: this.file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    return { LD_PRELOAD: LIBRARY, ...faketime };
  }
}
