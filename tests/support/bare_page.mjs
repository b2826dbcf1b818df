// A page in a Chromium of its own, driven by a few commands, for measuring. A test library's browser is told of every
// WebSocket frame that a page gets, with a copy of it: at thousands a second that costs more than the page does.

import { WebSocket } from 'ws';

import { CHROMIUM_PATH } from './page.mjs';
import { Program } from './program.mjs';
import { tempDir } from './scope.mjs';
import { until } from './until.mjs';

const ENOUGH_MS = 30_000;

export class BarePage {
  #socket;
  #session;
  #asked = new Map();
  #count = 0;

  /** An empty page of that size; what it costs is the CPU time of the processes below `pid`. */
  static async open(t, { width, height }) {
    const page = new BarePage();
    const chromium = new Program(t, CHROMIUM_PATH, ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-port=0', `--user-data-dir=${tempDir(t)}`]);
    chromium.start();
    page.pid = chromium.pid;
    const [, url] = await chromium.logged(/DevTools listening on (ws:\S+)/);
    page.#socket = new WebSocket(url, { maxPayload: 0 });
    await new Promise((resolve, reject) => page.#socket.once('open', resolve).once('error', reject));
    page.#socket.on('message', (data) => page.#answered(JSON.parse(data)));
    const { targetId } = await page.send('Target.createTarget', { url: 'about:blank' });
    ({ sessionId: page.#session } = await page.send('Target.attachToTarget', { targetId, flatten: true }));
    await page.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    return page;
  }

  /** One command of the DevTools protocol. */
  send(method, params = {}) {
    const id = ++this.#count;
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return new Promise((resolve, reject) => this.#asked.set(id, { method, resolve, reject }));
  }

  #answered({ id, result, error }) {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) asked?.reject(new Error(`${asked.method}: ${error.message}`));
    else asked?.resolve(result);
  }

  /** What `what(argument)` answers in the page; both travel as JSON. */
  async evaluate(what, argument) {
    const expression = `(${what})(${JSON.stringify(argument) ?? ''})`;
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async goto(url) {
    await this.send('Page.navigate', { url });
  }

  /** A letter. */
  async press(key) {
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, text: key });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key });
  }

  /** The text of the first element that `selector` names and that has `part` in it, once there is one. */
  text(selector, part = '') {
    return until(
      () => this.evaluate(([s, p]) => [...document.querySelectorAll(s)].map((e) => e.innerText).find((text) => text.includes(p)), [selector, part]),
      { timeout: ENOUGH_MS, every: 100, what: `${selector} with "${part}"` });
  }
}
