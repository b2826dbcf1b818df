// Live feeds over TLS and through a proxy: whom they trust, and what they do when they cannot.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import {
  AlpacaStandIn,
  Broker,
  CA_FILE,
  FinnhubStream,
  Proxy,
  Publisher,
  frameBytes,
  mqttClient,
  openMarket,
  snapshot,
  tempDir,
  until,
} from '../support/index.mjs';

const TLS = path.dirname(CA_FILE);
const GOOD = { key: readFileSync(path.join(TLS, 'localhost.key')), cert: readFileSync(path.join(TLS, 'localhost.pem')) };

/* A certificate of its own authority, as valid as `host` and `from` make it. */
function certificate(t, { host = 'localhost', from } = {}) {
  const dir = tempDir(t);
  const [key, cert] = ['key', 'cert'].map((name) => path.join(dir, name));
  const command = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', `/CN=${host}`];
  command.push('-addext', `subjectAltName=DNS:${host}`, '-keyout', key, '-out', cert);
  if (from) command.unshift('faketime', from);
  execFileSync(command[0], command.slice(1), { stdio: 'ignore' });
  return { file: cert, key: readFileSync(key), cert: readFileSync(cert) };
}

async function run(t, { tls = GOOD, caFile = CA_FILE, env = {} } = {}) {
  const standIn = await AlpacaStandIn.start(t, { tls });
  standIn.snapshots.AAPL = snapshot(100, { ageMs: 60_000 });
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/#', 'status/#'] });
  const publisher = Publisher.start(t, broker, {
    feed: 'alpaca',
    symbols: ['AAPL'],
    args: [
      ...['--alpaca-url', standIn.url, '--alpaca-ws-url', standIn.wsUrl, '--instance', 'test'],
      ...['--market-hours', openMarket(t), '--ca-file', caFile],
    ],
    env: { APCA_API_KEY_ID: 'PKC0FFEE', APCA_API_SECRET_KEY: 's3cr3t', ...env },
  });
  return { standIn, reader, publisher };
}

const shows = (reader, price) =>
  reader.until(() => reader.latest.get('stocks/AAPL')?.json.price === price, undefined, `AAPL at ${price}`);

describe('live feeds over TLS', { concurrency: 4 }, () => {
  for (const [what, options] of Object.entries({
    'that has expired': { from: '2020-01-01' },
    'of another host': { host: 'elsewhere.example' },
  }))
    test(`a certificate ${what} gets no key; a good one in its place is taken by itself`, async (t) => {
      const bad = certificate(t, options);
      const { standIn, reader, publisher } = await run(t, { tls: bad, caFile: bad.file });
      await reader.until(() => reader.latest.get('status/publisher/test')?.json.condition === 'fault');
      assert.match(publisher.log, /certificate is not trusted/);
      assert.deepEqual([standIn.requests, standIn.attempts, standIn.auths], [[], [], []]);
      const good = certificate(t);
      standIn.server.setSecureContext({ key: good.key, cert: good.cert });
      // the publisher trusts the file that it was told of, so it is this that is put right
      execFileSync('cp', [good.file, bad.file]);
      await shows(reader, 100);
    });

  test('a message in TLS records of one byte is one message', async (t) => {
    const { standIn, reader } = await run(t);
    await until(() => standIn.set.has('AAPL'), { what: 'a subscription' });
    const trade = { T: 't', S: 'AAPL', i: 1, x: 'V', p: 111.11, s: 100, c: ['@'], z: 'C', t: new Date().toISOString() };
    standIn.raw.setNoDelay(true);
    for (const byte of frameBytes(JSON.stringify([trade]))) {
      standIn.raw.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await shows(reader, 111.11);
    assert.equal(standIn.attempts.length, 1);
  });

  test('requests and stream go through a proxy, which sees no key', async (t) => {
    const proxy = await Proxy.start(t);
    const { standIn, reader } = await run(t, { env: { https_proxy: proxy.url } });
    await shows(reader, 100);
    await until(() => standIn.set.has('AAPL'), { what: 'a subscription' });
    assert.ok(proxy.tunnels.length >= 2, `${proxy.tunnels}`);
    assert.deepEqual([...new Set(proxy.tunnels)], [new URL(standIn.url).host]);
  });

  test('a proxy that is away is told, and waited for', async (t) => {
    const { reader, publisher } = await run(t, { env: { https_proxy: 'http://127.0.0.1:1' } });
    await reader.until(() => reader.latest.get('status/publisher/test')?.json.condition === 'fault');
    assert.match(publisher.log, /Couldn't connect/);
  });

  test('a host that nobody knows is told, and asked for again', async (t) => {
    const stream = await FinnhubStream.start(t);
    const broker = await Broker.start(t);
    const publisher = Publisher.start(t, broker, {
      feed: 'finnhub',
      symbols: ['AAPL'],
      args: ['--finnhub-url', 'https://no-such-host.invalid/api', '--finnhub-ws-url', stream.url],
      env: { FINNHUB_API_KEY: 'k' },
    });
    await publisher.logged(/has a fault: the server's name is not found \(DNS\)/);
    await until(() => stream.subscribed.length === 1, { what: 'the stream all the same' });
  });

  test('certificates that cannot be read are an error of usage', async (t) => {
    const { publisher } = await run(t, { caFile: '/nowhere.pem' });
    assert.equal((await publisher.exited()).code, 2);
    assert.match(publisher.log, /--ca-file \/nowhere.pem: No such file/);
  });
});
