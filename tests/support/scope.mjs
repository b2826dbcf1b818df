// What a test leaves behind is cleaned up here. The `t` that everything in this folder takes first is a
// test's context; for what a whole file or suite shares, one object `{ after }` with node:test's function.

import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const stacks = new WeakMap();

/** Run `undo` when the test ends: last in, first out, each of them even when an earlier one fails. */
export function atEnd(t, undo) {
  const known = stacks.get(t);
  if (known) {
    known.push(undo);
    return;
  }
  const stack = [undo];
  stacks.set(t, stack);
  t.after(() => unwind(stack));
}

async function unwind(stack) {
  const errors = [];
  while (stack.length > 0) {
    try {
      await stack.pop()();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('\n'));
}

/** A fresh directory that is gone when the test ends. */
export function tempDir(t) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tapecast-test-'));
  atEnd(t, () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/**
 * A TCP port on loopback that nobody listens on. Below the range that the kernel gives to outgoing
 * connections, so that nobody gets it by chance while a program restarts on it.
 */
export async function freePort() {
  for (;;) {
    const port = 15000 + Math.floor(Math.random() * 17000);
    if (await canListen(port)) return port;
  }
}

export function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
