import { Program } from './program.mjs';
import { freePort } from './scope.mjs';
import { until } from './until.mjs';

export class Gateway extends Program {
  /**
   * A gateway on `broker` (anything with a `url`) that listens; by default also one that is ready: its
   * upstream is up and has all retained values. start() again comes back on the same port.
   */
  static async start(t, broker, { ready = true, port, web, args = [], env = {} } = {}) {
    const at = port ?? (await freePort());
    const options = ['--mqtt-url', broker.url, '--listen', `127.0.0.1:${at}`];
    if (web) options.push('--web', web);
    const gateway = new Gateway(t, 'tapecast-gateway', [...options, ...args], { env });
    gateway.port = at;
    gateway.url = `http://127.0.0.1:${at}`;
    gateway.wsUrl = `ws://127.0.0.1:${at}`;
    await gateway.start();
    if (ready) await gateway.ready();
    return gateway;
  }

  async start() {
    const from = this.log.length;
    super.start();
    await this.logged(/listening on http:\/\//, { from });
    return this;
  }

  async ready(timeout = 5000) {
    return until(async () => (await this.get('/readyz')).status === 200, {
      timeout,
      what: 'the gateway to be ready',
      detail: () => this.log,
    });
  }

  get(path, options) {
    return fetch(this.url + path, options);
  }

  /** The value of a metric at /metrics, given as it is written there: `name` or `name{label="x"}`. */
  async metric(name) {
    const text = await (await this.get('/metrics')).text();
    const line = text.split('\n').find((l) => l.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }
}
