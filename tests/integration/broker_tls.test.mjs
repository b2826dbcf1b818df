// All programs on a broker that wants TLS, a certificate of the client's, a user and a password.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { Authority, Broker, Gateway, Program, Publisher, Recorder, mqttClient, tempDir, until } from '../support/index.mjs';

const suite = { after };
const authority = Authority.create(suite);
const stranger = Authority.create(suite, 'Somebody else');
const server = authority.sign('broker.test');
const client = authority.sign('ticker', { client: true });

const dir = tempDir(suite);
const passwords = path.join(dir, 'passwords');
const secret = path.join(dir, 'secret');
writeFileSync(passwords, '');
writeFileSync(secret, 'pass word\n', { mode: 0o600 });
execFileSync('mosquitto_passwd', ['-b', passwords, 'ticker', 'pass word']);

const broker = await Broker.start(suite, {
  extra: [
    `cafile ${authority.cert}`,
    `certfile ${server.cert}`,
    `keyfile ${server.key}`,
    'require_certificate true',
    `password_file ${passwords}`,
    'allow_anonymous false',
  ].join('\n'),
});
const address = { url: `mqtts://ticker@localhost:${broker.port}` };
const shown = ({ cert, key }) => ['--mqtt-cert', cert, '--mqtt-key', key];
const args = ['--mqtt-ca-file', authority.cert, ...shown(client)];
const env = { TAPECAST_MQTT_PASSWORD_FILE: secret };

test('prices go from the publisher over TLS to the recorder and to readers', async (t) => {
  await Publisher.start(t, address, { symbols: ['AAPL'], args, env: { TAPECAST_MQTT_PASSWORD: 'pass word' } });
  const recorder = await Recorder.start(t, address, { args, env });
  const gateway = await Gateway.start(t, address, { args, env });
  const reader = await mqttClient(t, `${gateway.wsUrl}/mqtt`, { subscribe: 'stocks/AAPL' });

  assert.equal((await reader.message('stocks/AAPL')).json.symbol, 'AAPL');
  await until(() => recorder.query('SELECT name FROM symbols').some((s) => s.name === 'AAPL'), { what: 'a recorded symbol' });
  for (const program of [recorder, gateway]) assert.ok(!program.log.includes('pass word'));
});

test('options come from the environment too', async (t) => {
  const files = { TAPECAST_MQTT_CA_FILE: authority.cert, TAPECAST_MQTT_CERT: client.cert, TAPECAST_MQTT_KEY: client.key };
  await Gateway.start(t, address, { env: { ...env, ...files } });
});

test('a display shows prices over TLS', async (t) => {
  await Publisher.start(t, address, { symbols: ['AAPL'], args, env });
  const display = new Program(t, 'tapecast-display', ['--mqtt-url', address.url, '--plain', ...args, 'AAPL'], { env }).start();
  await display.logged(/^AAPL \d+\.\d\d/m);

  const wrong = ['--mqtt-ca-file', stranger.cert, ...shown(client)];
  const wary = new Program(t, 'tapecast-display', ['--mqtt-url', address.url, '--plain', ...wrong, 'AAPL'], { env }).start();
  await wary.logged(/TLS fails: see --mqtt-ca-file/);
});

const REFUSALS = [
  ['no certificate', ['--mqtt-ca-file', authority.cert], env, /TLS: .*certificate/],
  ["a stranger's certificate", ['--mqtt-ca-file', authority.cert, ...shown(stranger.sign('x', { client: true }))], env, /TLS: .*(unknown ca|certificate)/],
  ['a broker that is not trusted', ['--mqtt-ca-file', stranger.cert, ...shown(client)], env, /TLS: certificate verify failed/],
  ["a broker that the system's certificates do not know", shown(client), env, /TLS: certificate verify failed/],
  ['a wrong password', args, { TAPECAST_MQTT_PASSWORD: 'wrong' }, /refuses us: Not authorized/],
];

for (const [name, list, environment, pattern] of REFUSALS)
  test(`${name}: one line says so, and it is tried again`, async (t) => {
    const gateway = await Gateway.start(t, address, { ready: false, args: list, env: environment });
    const [line] = await gateway.logged(/broker .*; trying again/);

    assert.match(line, pattern);
    assert.ok(!gateway.log.includes('broker is up'));
  });

test('files that cannot be used are named at the start', async (t) => {
  const open = path.join(dir, 'open.key');
  copyFileSync(client.key, open);
  chmodSync(open, 0o644);
  const cases = [
    [address.url, ['--mqtt-cert', client.cert], /a certificate and its key go together/],
    [address.url, shown({ cert: client.cert, key: open }), /others may read the key .*; run: chmod 600/],
    [address.url, ['--mqtt-ca-file', '/none'], /broker: cannot read \/none: No such file/],
    [`mqtt://localhost:${broker.port}`, ['--mqtt-ca-file', authority.cert], /certificates need TLS: an address such as mqtts:/],
  ];
  for (const [url, list, pattern] of cases) {
    const program = new Program(t, 'tapecast-publisher', ['--mqtt-url', url, ...list]).start();
    assert.notEqual((await program.exited()).code, 0);
    assert.match(program.log, pattern);
  }
});
