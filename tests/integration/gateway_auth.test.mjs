// Tokens: who may read what at each door, what each refusal looks like, and how a session ends with its token.

import assert from 'node:assert/strict';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, test } from 'node:test';
import WebSocket from 'ws';

import { Broker, Gateway, Program, atEnd, freePort, mqttClient, tempDir, until } from '../support/index.mjs';
import { RawMqtt, packet, properties, string, u8 } from '../support/raw.mjs';
import { Issuer, nowSeconds, signToken } from '../support/token.mjs';

const SECRET = 'a secret of more than thirty-two bytes';
const suite = { after };
const broker = await Broker.start(suite);
const writer = await mqttClient(suite, broker.url);
const quote = (symbol, price) => JSON.stringify({ symbol, price, timestamp: Date.now(), seq: 1, mode: 'demo' });
for (const symbol of ['AAPL', 'MSFT']) await writer.publish(`stocks/${symbol}`, quote(symbol, 1), { qos: 1, retain: true });

const locked = (t, { args = [], env, ...options } = {}) =>
  Gateway.start(t, broker, { args: ['--anonymous', 'none', ...args], env: { TAPECAST_JWT_SECRET: SECRET, ...env }, ...options });
const token = (claims = {}) => signToken({ topics: ['stocks/AAPL'], ...claims }, SECRET);
const gateway = await locked(suite);

const AUTH = 15;
const MQTT = { notAuthorized: 0x87, badCredentials: 0x86, badMethod: 0x8c, maximumConnectTime: 0xa0 };

/** The JSON WebSocket: what it was told, in order; `closed` is its close code. */
async function openWs(t, { query = '', headers } = {}) {
  const ws = new WebSocket(`${gateway.wsUrl}/ws${query}`, { headers });
  const heard = [];
  atEnd(t, () => ws.terminate());
  ws.on('message', (text) => heard.push(JSON.parse(text)));
  ws.on('close', (code) => (ws.closed = code));
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  ws.say = (message) => ws.send(JSON.stringify(message));
  ws.hears = (match) => until(() => heard.find((m) => Object.entries(match).every(([k, v]) => m[k] === v)));
  return ws;
}

/** The first bytes of an event stream, or its refusal. */
async function events(t, query, headers, at = gateway) {
  const abort = new AbortController();
  atEnd(t, () => abort.abort());
  const answer = await at.get(`/events?${query}`, { headers, signal: abort.signal });
  if (answer.status !== 200) return answer;
  const reader = answer.body.getReader();
  answer.read = async () => new TextDecoder().decode((await reader.read()).value);
  return answer;
}

test('MQTT: the token is the password, and grants its topics alone', async (t) => {
  for (const protocolVersion of [4, 5]) {
    const client = await mqttClient(t, `${gateway.wsUrl}/mqtt`, { protocolVersion, username: 'any', password: token() });
    const granted = await client.subscribe(['stocks/AAPL', 'stocks/MSFT', 'stocks/+', '#']).catch((e) => e);
    assert.equal((await client.message('stocks/AAPL')).json.price, 1);
    assert.equal(client.latest.has('stocks/MSFT'), false, String(granted));
  }
  const raw = await RawMqtt.connect(t, gateway, { username: 'any', password: token({ topics: ['stocks/+/price', 'stocks/A'] }) });
  assert.deepEqual(
    await raw.subscribe(['stocks/A', 'stocks/X/price', 'stocks/+/price', 'stocks/A/#', 'stocks/+', '$SYS/#']),
    [0, 0, 0, MQTT.notAuthorized, MQTT.notAuthorized, MQTT.notAuthorized],
  );
});

test('MQTT: every bad token is refused in the words of its version', async (t) => {
  const rsa = new Issuer('rsa', 'RS256');
  const bad = {
    expired: token({ exp: nowSeconds() - 1 }),
    early: token({ nbf: nowSeconds() + 60 }),
    'of another audience': token({ aud: 'other' }),
    'signed by a stranger': signToken({}, `${SECRET}!`),
    'of another kind': rsa.sign({}),
    unsigned: signToken({}, '', { alg: 'none' }),
    'no token': 'hello',
    empty: '',
  };
  for (const [what, password] of Object.entries(bad)) {
    const five = await RawMqtt.connect(t, gateway, { username: 'any', password });
    assert.equal(five.connack.reason, MQTT.badCredentials, what);
    const three = await RawMqtt.connect(t, gateway, { version: 4, username: 'any', password });
    assert.equal(three.connack.reason, 4, what);
  }
  assert.equal((await RawMqtt.connect(t, gateway)).connack.reason, MQTT.notAuthorized);
  assert.equal((await RawMqtt.connect(t, gateway, { version: 4 })).connack.reason, 5);
  assert.ok((await gateway.metric('tapecast_refused_total{reason="token"}')) >= 2 * Object.keys(bad).length);
});

test('a token in the request serves every door: as Bearer, and in the query', async (t) => {
  for (const { fields, query } of [{ fields: { Authorization: `bearer ${token()}` } }, { query: `token=${token()}` }]) {
    const raw = await RawMqtt.connect(t, gateway, { path: `/mqtt?${query ?? ''}`, fields });
    assert.deepEqual(await raw.subscribe(['stocks/AAPL', 'stocks/MSFT']), [0, MQTT.notAuthorized]);
    const ws = await openWs(t, { query: `?${query ?? ''}`, headers: fields });
    ws.say({ action: 'subscribe', symbol: 'AAPL' });
    await ws.hears({ symbol: 'AAPL' });
    const stream = await events(t, `symbols=AAPL&${query ?? ''}`, fields);
    assert.match(await stream.read(), /AAPL|retry/);
    const quotes = await (await gateway.get(`/api/quotes?${query ?? ''}`, { headers: fields })).json();
    assert.deepEqual(quotes.map((q) => q.symbol), ['AAPL']);
  }
});

test('requests: 401 without a token or with a bad one, 403 for what it does not grant', async (t) => {
  const none = await events(t, 'symbols=AAPL');
  assert.equal(none.status, 401);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer');
  assert.match((await none.json()).detail, /token/);
  const bad = await events(t, 'symbols=AAPL', { Authorization: `Bearer ${token({ exp: 1 })}` });
  assert.equal(bad.status, 401);
  assert.match(bad.headers.get('www-authenticate'), /error="invalid_token"/);
  assert.match((await bad.json()).detail, /expired/);
  assert.equal((await events(t, 'symbols=MSFT', { Authorization: `Bearer ${token()}` })).status, 403);
  assert.equal((await events(t, 'symbols=*', { Authorization: `Bearer ${token()}` })).status, 403);
  assert.deepEqual(await (await gateway.get('/api/quotes')).json(), []);
  assert.equal((await gateway.get('/healthz')).status, 200);
});

test('JSON WebSocket: auth, then what it grants; a narrower token takes symbols away', async (t) => {
  const ws = await openWs(t);
  ws.say({ action: 'subscribe', symbol: 'AAPL' });
  await ws.hears({ type: 'error', code: 'forbidden' });
  ws.say({ action: 'auth', token: 'nonsense' });
  await ws.hears({ type: 'error', code: 'bad_token' });
  ws.say({ action: 'auth', token: token({ topics: ['stocks/+'] }) });
  await ws.hears({ type: 'ack', action: 'auth' });
  ws.say({ action: 'subscribe', symbols: ['AAPL', 'MSFT'] });
  await ws.hears({ symbol: 'MSFT' });
  ws.say({ action: 'auth', token: token() });
  ws.say({ action: 'unsubscribe', symbol: 'MSFT' });
  await ws.hears({ type: 'error', code: 'not_subscribed' });
});

test('MQTT 5: a fresh token on the same connection, by AUTH', async (t) => {
  const method = (data) => [
    [0x15, string('JWT')],
    [0x16, string(data)],
  ];
  const raw = await RawMqtt.connect(t, gateway, { props: method(token({ topics: ['stocks/#'], exp: nowSeconds() + 2 })) });
  assert.equal(raw.connack.reason, 0);
  assert.deepEqual(await raw.subscribe(['stocks/AAPL', 'stocks/MSFT']), [0, 0]);
  raw.sendPacket(packet(AUTH, Buffer.concat([u8(0x19), properties(method(token({ exp: nowSeconds() + 600 })))])));
  await raw.until((r) => r.of(AUTH).length === 1, 'AUTH');
  await writer.publish('stocks/MSFT', quote('MSFT', 2), { qos: 1, retain: true });
  await writer.publish('stocks/AAPL', quote('AAPL', 2), { qos: 1, retain: true });
  await raw.until((r) => r.messages.some((m) => String(m.payload).includes('"AAPL","price":2')), 'the news that is still granted');
  assert.equal(raw.messages.some((m) => String(m.payload).includes('"MSFT","price":2')), false);
  const other = await RawMqtt.connect(t, gateway, { props: [[0x15, string('SCRAM')]] });
  assert.equal(other.connack.reason, MQTT.badMethod);
});

test('when the token ends, the session does, for the reason that its protocol has', async (t) => {
  const short = () => token({ exp: nowSeconds() + 2 });
  const five = await RawMqtt.connect(t, gateway, { username: 'any', password: short() });
  const three = await RawMqtt.connect(t, gateway, { version: 4, username: 'any', password: short() });
  const ws = await openWs(t, { query: `?token=${short()}` });
  const stream = await events(t, `symbols=AAPL&token=${short()}`);
  await five.until((r) => r.disconnect && r.ended, 'DISCONNECT');
  assert.equal(five.disconnect.reason, MQTT.maximumConnectTime);
  await three.until((r) => r.ended, 'the end');
  await ws.hears({ type: 'error', code: 'token_expired' });
  await until(() => ws.closed === 1008);
  let text = '';
  while (!text.includes('expired')) text += await stream.read();
});

test('max_rate is a pace for every subscription', async (t) => {
  const slow = await RawMqtt.connect(t, gateway, { username: 'any', password: token({ max_rate: 1 }) });
  await slow.subscribe(['stocks/AAPL']);
  await slow.message('stocks/AAPL');
  for (let i = 10; i < 60; i++) await writer.publish('stocks/AAPL', quote('AAPL', i), { qos: 1, retain: true });
  await slow.until((r) => String(r.messages.at(-1).payload).includes('"price":59'), 'the last value');
  assert.ok(slow.messages.length <= 6, `${slow.messages.length} messages`);
});

test('keys from a file and from a URL are read again when they change', async (t) => {
  const [first, second, third] = ['one', 'two', 'three'].map((kid) => new Issuer(kid));
  let keys = [first.jwk];
  const server = http.createServer((_, answer) => answer.end(JSON.stringify({ keys })));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => server.close());
  const pem = path.join(tempDir(t), 'key.pem');
  writeFileSync(pem, second.pem);
  const at = await locked(t, {
    args: ['--jwks', `http://127.0.0.1:${server.address().port}/jwks.json`, '--jwt-key', pem, '--jwt-issuer', 'me'],
  });
  const status = async (issuer, iss = 'me') =>
    (await at.get(`/api/quotes?token=${issuer.sign({ iss, topics: ['stocks/#'] })}`)).status;
  assert.equal(await status(first), 200);
  assert.equal(await status(second), 200);
  assert.equal(await status(third), 401);
  assert.equal(await status(first, 'you'), 401);
  writeFileSync(`${pem}.new`, third.pem);
  renameSync(`${pem}.new`, pem);
  await until(async () => (await status(third)) === 200);
  assert.equal(await status(second), 401);
  keys = [];
  at.signal('SIGHUP'); // what comes now is no key set: the old keys stay
  await at.logged(/the old keys for tokens stay/);
  assert.equal(await status(first), 200);
  keys = [second.jwk];
  at.signal('SIGHUP');
  await until(async () => (await status(second)) === 200);
  assert.equal(await status(first), 401);
});

test('without keys, other machines are served in the clear only when that is asked for', async (t) => {
  const port = await freePort();
  const start = (...args) => new Program(t, 'tapecast-gateway', ['--mqtt-url', broker.url, '--listen', `0.0.0.0:${port}`, ...args]).start();
  const refused = start();
  assert.equal((await refused.exited()).code, 2);
  assert.match(refused.log, /--public/);
  await start('--public').logged(/listening on/);
});

test('a key that is none, and tokens without any key, are usage errors', async (t) => {
  const file = path.join(tempDir(t), 'secret');
  writeFileSync(file, SECRET);
  chmodSync(file, 0o644);
  const cases = [
    { args: ['--jwt-key', '/nonexistent'], says: /cannot read \/nonexistent/ },
    { args: ['--jwt-key', '/etc/hostname'], says: /no public key/ },
    { args: ['--jwks', 'http://192.0.2.1/jwks.json'], says: /https:\/\/ only/ },
    { args: ['--anonymous', 'a/#/b'], env: { TAPECAST_JWT_SECRET: SECRET }, says: /--anonymous takes MQTT filters/ },
    { args: ['--jwt-audience', 'x'], says: /need a key/ },
    { args: [], env: { TAPECAST_JWT_SECRET_FILE: file }, says: /chmod 600/ },
  ];
  for (const { args, env, says } of cases) {
    const program = new Program(t, 'tapecast-gateway', ['--mqtt-url', broker.url, '--listen', '127.0.0.1:0', ...args], { env }).start();
    await program.logged(says);
    assert.notEqual((await program.exited()).code, 0);
  }
});
