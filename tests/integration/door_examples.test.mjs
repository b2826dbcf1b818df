// The examples of Node, Python and the shell do what they say: show prices, and go on after a restart.

import assert from 'node:assert/strict';
import { copyFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Broker, Gateway, Program, ROOT, atEnd, mqttClient, tempDir } from '../support/index.mjs';

const example = (name) => path.join(ROOT, 'examples', name);
const quote = (symbol, price) => JSON.stringify({ symbol, price, change: 0.5, timestamp: 1712331900000, seq: 1, mode: 'demo' });

async function stack(t) {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const put = (symbol, price) => writer.publish(`stocks/${symbol}`, quote(symbol, price), { qos: 1, retain: true });
  await put('AAPL', 189.45);
  await put('MSFT', 1);
  return { put, gateway: await Gateway.start(t, broker) };
}

function run(t, command, args, gateway, url = gateway.url) {
  const program = new Program(t, command, args, { env: { GATEWAY: url } }).start();
  atEnd(t, () => program.stop());
  return program;
}

for (const [name, command] of [
  ['node/events.mjs', process.execPath],
  ['python/events.py', 'python3'],
]) {
  test(`examples/${name} shows prices, goes on after a restart, and says what is wrong`, async (t) => {
    const { put, gateway } = await stack(t);
    const program = run(t, command, [example(name), 'AAPL'], gateway);
    await program.logged(/^AAPL 189.45 0.5$/m);
    await put('AAPL', 190);
    await program.logged(/^AAPL 190 0.5$/m);
    await gateway.stop();
    await gateway.start();
    await program.logged(/^\(reset\) .*everything/m, { timeout: 10_000 });
    await put('AAPL', 191);
    await program.logged(/^AAPL 191 0.5$/m);
    assert.doesNotMatch(program.log, /MSFT/);

    const wrong = new Program(t, command, [example(name), 'A'.repeat(30)], { env: { GATEWAY: gateway.url } }).start();
    assert.equal((await wrong.exited()).code, 1);
    assert.match(wrong.log, /A symbol has 1 to 24 bytes/);
  });
}

test('examples/shell/watch.sh prints the quotes as JSON', async (t) => {
  const { gateway } = await stack(t);
  const program = run(t, example('shell/watch.sh'), ['AAPL', 'MSFT'], gateway);
  await program.logged(/^\{"symbol":"AAPL","price":189.45.*\}$/m);
  await program.logged(/^\{"symbol":"MSFT","price":1,.*\}$/m);
  await gateway.stop(); // curl ends with the stream
  await program.exited();
});

test('examples/node/websocket.mjs shows prices, says what is wrong, and comes back after a restart', async (t) => {
  const { put, gateway } = await stack(t);
  const dir = tempDir(t); // where `npm install ws` was called
  symlinkSync(path.join(ROOT, 'tests/node_modules'), path.join(dir, 'node_modules'));
  copyFileSync(example('node/websocket.mjs'), path.join(dir, 'websocket.mjs'));
  const program = run(t, process.execPath, [path.join(dir, 'websocket.mjs'), 'AAPL', 'XYZ'], gateway, gateway.wsUrl);
  await program.logged(/^unknown_symbol .* XYZ$/m);
  await program.logged(/^AAPL 189.45 0.5$/m);
  await gateway.stop();
  await gateway.start();
  await put('AAPL', 190);
  await program.logged(/^AAPL 190 0.5$/m, { timeout: 10_000 });
});
