import path from 'node:path';

import { Program, ROOT } from './program.mjs';

export class Publisher extends Program {
  /**
   * A running publisher on `broker` (anything with a `url`: a Broker, a Relay before one). By `clock`, a FastClock,
   * it lives faster than we do; that is the release build, since sanitizers and libfaketime do not go together.
   */
  static start(t, broker, { feed = 'sim', symbols, args = [], env = {}, clock } = {}) {
    const list = symbols ? ['--symbols', symbols.join(',')] : [];
    const options = ['--mqtt-url', broker.url, '--feed', feed, ...list, ...args];
    const command = clock ? path.join(ROOT, 'build/release/bin/tapecast-publisher') : 'tapecast-publisher';
    return new Publisher(t, command, options, { env: { ...env, ...clock?.env() } }).start();
  }
}
