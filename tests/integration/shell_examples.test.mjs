// examples/shell does what it says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Broker, Program, ROOT, atEnd, mqttClient } from '../support/index.mjs';

const ALERT = path.join(ROOT, 'examples/shell/alert.sh');

function children(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

test('alert.sh speaks when the limit is passed, and again only after it was not', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const alert = new Program(t, ALERT, ['AAPL', 'above', '190'], { env: { MQTT_PORT: String(broker.port) } }).start();
  atEnd(t, async () => {
    process.kill(children(alert.pid)[0]); // mosquitto_sub, and the rest of the pipe ends with it
    await alert.exited();
  });
  const prices = ['189.99', 'x200', '190', '190.01', '191', '189', '9', '1000', '190'];

  await writer.publish('stocks/AAPL/price', '500', { retain: true, qos: 1 });
  await alert.logged(/^AAPL 500 above 190$/m);
  for (const price of [...prices, '200']) await writer.publish('stocks/AAPL/price', price, { qos: 1 });
  await alert.logged(/^AAPL 200 above 190$/m);
  assert.equal(alert.stdout, 'AAPL 500 above 190\nAAPL 190.01 above 190\nAAPL 1000 above 190\nAAPL 200 above 190\n');
});

test('alert.sh explains itself', async (t) => {
  const alert = new Program(t, ALERT, ['AAPL', 'over', '190']).start();
  assert.equal((await alert.exited()).code, 2);
  assert.match(alert.log, /^usage: .*above\|below/);
});
