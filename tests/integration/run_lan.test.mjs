// ./run --lan: displays in the network read with a password and write nothing. Another loopback address is the network.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Program, ROOT, atEnd, freePort, mqttClient, until } from '../support/index.mjs';
import { Authority } from '../support/certificates.mjs';

const LAN = '127.0.0.2';
const NOT_AUTHORIZED = 0x87;

/** `./run --lan`, and what it told about itself. */
async function startLan(t, settings = {}) {
  const env = { LAN_ADDRESS: LAN, MQTT_PORT: await freePort(), HTTP_PORT: await freePort(), ...settings };
  const run = new Program(t, path.join(ROOT, 'run'), ['--lan'], { env, deathSignal: 'TERM' }).start();
  await run.logged(/Ctrl-C stops everything/, { timeout: 180_000 });
  run.port = Number(run.log.match(/mosquitto_sub -p (\d+)/)[1]);
  run.state = path.join(ROOT, '.run', String(run.port));
  run.password = run.log.match(/user display, password (\S+);/)[1];
  atEnd(t, () => rmSync(run.state, { recursive: true, force: true }));
  return run;
}

const secretOf = (run, user) => readFileSync(path.join(run.state, `${user}.password`), 'utf8');
const display = (t, run, options = {}) =>
  mqttClient(t, `mqtt://${LAN}:${run.port}`, { protocolVersion: 5, username: 'display', password: run.password, ...options });

test('a display reads with its password, and only the publisher writes prices', async (t) => {
  const run = await startLan(t, { SYMBOLS: 'AAPL' });
  const reader = await display(t, run, { subscribe: 'stocks/#' });
  await reader.until((r) => r.latest.has('stocks/AAPL/price') && r.latest.has('stocks/AAPL/bar/1m'), 15_000);

  const users = ['display', 'recorder', 'gateway', undefined]; // the last: anonymous, on this machine
  for (const username of users) {
    const host = username ? LAN : '127.0.0.1';
    const password = username && secretOf(run, username);
    const client = await mqttClient(t, `mqtt://${host}:${run.port}`, { protocolVersion: 5, username, password });
    for (const topic of ['stocks/AAPL', 'stocks/AAPL/price', 'status/publisher/x', 'other'])
      await assert.rejects(client.publish(topic, '1', { qos: 1 }), { code: NOT_AUTHORIZED }, `${username} to ${topic}`);
  }
  const publisher = await display(t, run, { username: 'publisher', password: secretOf(run, 'publisher') });
  await publisher.publish('stocks/ZZ/price', '1', { qos: 1, retain: true });
  await reader.until((r) => r.latest.has('stocks/ZZ/price'));
  const here = await mqttClient(t, `mqtt://127.0.0.1:${run.port}`, { subscribe: 'stocks/#' });
  await here.until((r) => r.latest.has('stocks/ZZ/price'));

  const strangers = [{ username: undefined, password: undefined }, { password: 'wrong' }, { username: 'root', password: run.password }];
  for (const who of strangers) await assert.rejects(display(t, run, { ...who, reconnectPeriod: 0 }), JSON.stringify(who));
});

test('passwords are in files of their own and nowhere else, and stay over a restart', async (t) => {
  const run = await startLan(t, { SYMBOLS: 'AAPL' });
  const users = ['publisher', 'recorder', 'gateway', 'display'];
  const secrets = users.map((user) => secretOf(run, user));
  assert.equal(new Set(secrets).size, users.length);
  for (const secret of secrets) assert.match(secret, /^[a-z2-9]{20}$/);
  for (const file of [...users.map((user) => `${user}.password`), 'passwords'])
    assert.equal(statSync(path.join(run.state, file)).mode & 0o777, 0o600, file);

  const processes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).map(commandLine).join('\n');
  assert.match(processes, /tapecast-gateway/);
  const files = readdirSync(run.state).filter((file) => /\.log$|\.conf$|^passwords/.test(file));
  assert.ok(files.length >= 6, String(files));
  const written = files.map((file) => readFileSync(path.join(run.state, file), 'latin1')).join('\n');
  for (const secret of secrets) assert.ok(!processes.includes(secret) && !written.includes(secret));

  const second = await startLan(t, { SYMBOLS: 'AAPL', MQTT_PORT: run.port }); // while the first runs: a copy of its own
  assert.notEqual(second.port, run.port);
  assert.notEqual(second.password, run.password);
  await assert.rejects(display(t, second, { password: run.password, reconnectPeriod: 0 }));
  await second.stop('SIGTERM');

  await run.stop('SIGTERM');
  const again = await startLan(t, { SYMBOLS: 'AAPL', MQTT_PORT: run.port });
  assert.deepEqual(users.map((user) => secretOf(again, user)), secrets);
  const reader = await display(t, again, { subscribe: 'stocks/AAPL' });
  await reader.until((r) => r.latest.has('stocks/AAPL'));
});

test('with a certificate the network speaks TLS, and it says so', async (t) => {
  const authority = Authority.create(t);
  const { cert, key } = authority.sign('lan');
  const run = await startLan(t, { SYMBOLS: 'AAPL', TAPECAST_TLS_CERT: cert, TAPECAST_TLS_KEY: key });
  assert.match(run.log, new RegExp(`Dashboard {2}https://${LAN}`));
  assert.doesNotMatch(run.log, /in the clear/);
  const options = { username: 'display', password: run.password, subscribe: 'stocks/AAPL' };
  const tls = { ca: authority.pem, checkServerIdentity: () => undefined };
  const reader = await mqttClient(t, `mqtts://${LAN}:${run.port}`, { ...options, ...tls });
  await reader.until((r) => r.latest.has('stocks/AAPL'));
  await assert.rejects(display(t, run, { reconnectPeriod: 0, connectTimeout: 2000 }), 'in the clear');
});

test('an address that is none of the network is refused by name', async (t) => {
  for (const address of ['0.0.0.0', '127.0.0.1', 'here']) {
    const run = new Program(t, path.join(ROOT, 'run'), ['--lan'], { env: { LAN_ADDRESS: address } }).start();
    assert.equal((await run.exited()).code, 1);
    assert.match(run.log, /LAN_ADDRESS/);
  }
});

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return ''; // it has just ended
  }
}
