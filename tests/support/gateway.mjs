import https from 'node:https';

import { Program } from './program.mjs';
import { freePort } from './scope.mjs';
import { until } from './until.mjs';

export class Gateway extends Program {
  /**
   * A gateway on `broker` (anything with a `url`) that listens; by default also one that is ready: its
   * upstream is up and has all retained values. start() again comes back on the same port. With `tls`
   * ({ cert, key, ca }: two files and what to trust) it speaks https:// and wss://.
   */
  static async start(t, broker, { ready = true, port, web, tls, args = [], env = {} } = {}) {
    const at = port ?? (await freePort());
    const options = ['--mqtt-url', broker.url, '--listen', `127.0.0.1:${at}`];
    if (web) options.push('--web', web);
    if (tls) options.push('--tls-cert', tls.cert, '--tls-key', tls.key);
    const gateway = new Gateway(t, 'tapecast-gateway', [...options, ...args], { env });
    gateway.port = at;
    gateway.ca = tls?.ca;
    gateway.url = `http${tls ? 's' : ''}://127.0.0.1:${at}`;
    gateway.wsUrl = `ws${tls ? 's' : ''}://127.0.0.1:${at}`;
    await gateway.start();
    if (ready) await gateway.ready();
    return gateway;
  }

  async start() {
    const from = this.log.length;
    super.start();
    await this.logged(/listening on https?:\/\//, { from });
    return this;
  }

  async ready(timeout = 20_000) {
    return until(async () => (await this.get('/readyz')).status === 200, {
      timeout,
      what: 'the gateway to be ready',
      detail: () => this.log,
    });
  }

  get(path, options) {
    return this.ca ? fetchTrusting(this.url + path, { ca: this.ca, ...options }) : fetch(this.url + path, options);
  }

  /** The value of a metric at /metrics, given as it is written there: `name` or `name{label="x"}`; `name`
   * alone is the sum over its labels. */
  async metric(name) {
    const text = await (await this.get('/metrics')).text();
    const lines = text.split('\n').filter((l) => l.startsWith(`${name} `) || l.startsWith(`${name}{`));
    return lines.length === 0 ? undefined : lines.reduce((sum, l) => sum + Number(l.slice(l.lastIndexOf(' '))), 0);
  }
}

/* What fetch() answers, of a server whose authority only we know; `options` are https.get()'s. */
function fetchTrusting(url, options) {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { agent: false, ...options }, async (answer) => {
      const headers = new Headers(answer.headers);
      try {
        const body = Buffer.concat(await answer.toArray());
        resolve(new Response(answer.statusCode === 304 ? null : body, { status: answer.statusCode, headers }));
      } catch (error) {
        reject(error);
      }
    });
    request.on('error', reject);
  });
}
