// A broker, a gateway with the page, and a test that is the publisher, so it knows each price.

import path from 'node:path';

import { Broker } from './broker.mjs';
import { Gateway } from './gateway.mjs';
import { mqttClient } from './mqtt.mjs';
import { DASHBOARD } from './page.mjs';
import { Recorder } from './recorder.mjs';
import { atEnd, tempDir } from './scope.mjs';
import { until } from './until.mjs';

/** A gateway that goes away is an error to the browser, and here the point of the test. */
export const CONNECTION = /WebSocket connection|ERR_CONNECTION|Failed to load resource/;

/** A market of which the test is the exchange. */
export class Exchange {
  /** With `records` there are a recorder and a history too. */
  static async open(t, { records = false } = {}) {
    const exchange = new Exchange();
    exchange.broker = await Broker.start(t);
    const store = path.join(tempDir(t), 'history.db');
    if (records) exchange.recorder = await Recorder.start(t, exchange.broker, { store });
    exchange.gateway = await Gateway.start(t, exchange.broker, { web: DASHBOARD, args: records ? ['--store', store] : [] });
    exchange.client = await mqttClient(t, exchange.broker.url);
    return exchange;
  }

  seq = 0;

  quote(symbol, price, more = {}) {
    this.seq++;
    return { symbol, price, change: 1.5, percent: 1.52, open: 99, high: 105, low: 95, prev_close: 98.5, volume: 1_000_000 + this.seq,
      timestamp: Date.now(), seq: this.seq, mode: 'demo', ...more };
  }

  tick(symbol, price, more) {
    return this.send(symbol, JSON.stringify(this.quote(symbol, price, more)));
  }

  send(level, text) {
    return this.client.publish(`stocks/${encodeURIComponent(level)}`, text, { retain: true, qos: 1 });
  }

  /** Tick until the page takes it for live: what was sent before its subscription came as retained. */
  async goLive(dashboard, symbol = 'AAPL', price = 101) {
    await until(async () => {
      await this.tick(symbol, price);
      return (await dashboard.text('state')) === 'Live';
    }, { what: 'the page to be live' });
    await dashboard.shows(symbol, price.toFixed(2));
  }

  status(state, more = {}) {
    const text = JSON.stringify({ state, feed: 'sim', condition: state === 'online' ? 'live' : 'failed', detail: 'a test', ...more });
    return this.client.publish('status/publisher/test', text, { retain: true, qos: 1 });
  }

  /** Tick `symbol` until the test ends or the returned function is called. */
  keepTicking(t, symbol, everyMs = 50) {
    let price = 100;
    const timer = setInterval(() => void this.tick(symbol, (price += 0.01) && Number(price.toFixed(2))).catch(() => {}), everyMs);
    const stop = () => clearInterval(timer);
    atEnd(t, stop);
    return stop;
  }
}
