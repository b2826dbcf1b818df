// The market's hours, as a test wants them.

import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { tempDir } from './scope.mjs';

const DAY_MS = 86_400_000;

/** A file for --market-hours by which US exchanges are open around the clock, whatever day it is. */
export function openMarket(t) {
  const file = path.join(tempDir(t), 'hours');
  const days = [-1, 0, 1].map((n) => new Date(Date.now() + n * DAY_MS).toISOString().slice(0, 10));
  writeFileSync(file, days.map((day) => `${day} 00:00-24:00\n`).join(''));
  return file;
}
