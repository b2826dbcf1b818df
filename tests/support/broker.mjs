// Mosquitto as `./run` starts it, on a port of its own.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Program, ROOT } from './program.mjs';
import { freePort, tempDir } from './scope.mjs';

export class Broker extends Program {
  /**
   * A running broker with the repository's mosquitto.conf; `extra` are lines appended to it.
   * start() after stop() or kill() comes back on the same port, with nothing remembered.
   */
  static async start(t, { port, extra = '' } = {}) {
    const dir = tempDir(t);
    const broker = new Broker(t, 'mosquitto', ['-c', path.join(dir, 'mosquitto.conf')], { cwd: dir });
    broker.port = port ?? (await freePort());
    broker.url = `mqtt://127.0.0.1:${broker.port}`;
    writeFileSync(path.join(dir, 'mosquitto.conf'), configuration(broker.port, extra));
    await broker.start();
    return broker;
  }

  async start() {
    const from = this.log.length;
    super.start();
    await this.logged(/mosquitto version .* running/, { from });
    return this;
  }
}

function configuration(port, extra) {
  const ours = readFileSync(path.join(ROOT, 'mosquitto.conf'), 'utf8');
  const here = ours.replace(/^listener .*$/m, `listener ${port} 127.0.0.1`);
  // As root it would otherwise become another user, and so outlive us (see setpriv --pdeathsig).
  const user = process.getuid() === 0 ? 'user root\n' : '';
  return `${here}\n${user}${extra}\n`;
}
