// TLS on the gateway's port: who is let in, who is not, and that nobody can hold the others up.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { after, test } from 'node:test';
import tls from 'node:tls';

import { Authority, Broker, Gateway, Program, atEnd, freePort, mqttClient, pause, tempDir, until } from '../support/index.mjs';
import { RawHttp, RawMqtt, RawSocket } from '../support/raw.mjs';

const suite = { after };
const HANDSHAKE_MS = 1500;
const LARGE = 24 << 20;

const authority = Authority.create(suite);
const stranger = Authority.create(suite, 'Somebody else');
const server = { ...authority.sign('gateway.test'), ca: authority.pem };
const client = authority.sign('reader', { client: true });
const broker = await Broker.start(suite);
const gateway = await Gateway.start(suite, broker, {
  tls: server,
  web: webDir(suite),
  args: ['--handshake-timeout', String(HANDSHAKE_MS), '--hsts', '86400'],
});

function webDir(t) {
  const web = path.join(tempDir(t), 'web');
  mkdirSync(web);
  writeFileSync(path.join(web, 'index.html'), '<!doctype html><title>Tapecast</title>');
  writeFileSync(path.join(web, 'large.bin'), Buffer.alloc(LARGE, 'tick'));
  return web;
}

/** A TLS connection; rejects when the handshake fails. With TLS 1.3 a refusal of ours comes after it: see `refused`. */
function connect(t, to, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: to.port, ca: authority.pem, servername: 'localhost', ...options });
    atEnd(t, () => socket.destroy());
    socket.received = '';
    socket.on('data', (bytes) => (socket.received += bytes));
    socket.once('secureConnect', () => resolve(socket));
    socket.on('error', reject);
  });
}

const REQUEST = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

async function healthz(socket) {
  socket.write(REQUEST);
  await until(() => socket.received.endsWith('\r\n\r\nok\n'), { what: 'an answer', detail: () => socket.received });
}

/** What a client shows. */
const shows = ({ cert, key }) => ({ cert: readFileSync(cert), key: readFileSync(key) });

/** Resolves when the server lets nothing through. */
async function refused(t, to, options) {
  const socket = await connect(t, to, options).catch(() => null);
  if (socket === null) return;
  socket.on('error', () => {});
  socket.write(REQUEST);
  await until(() => socket.closed, { what: 'the connection to be closed' });
  assert.equal(socket.received, '');
}

const curl = (...args) => spawnSync('curl', ['-sS', '--cacert', authority.cert, ...args], { encoding: 'utf8' });

// --- who speaks what ----------------------------------------------------------------------------------

for (const version of ['TLSv1.2', 'TLSv1.3'])
  test(`${version} is spoken, with forward secrecy`, async (t) => {
    const socket = await connect(t, gateway, { minVersion: version, maxVersion: version });

    assert.equal(socket.getProtocol(), version);
    assert.match(socket.getCipher().standardName, /^TLS_(ECDHE_ECDSA_WITH_)?(AES_\d+_GCM|CHACHA20_POLY1305)_/);
    await healthz(socket);
  });

test('older versions and weak ciphers are refused', async (t) => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  await assert.rejects(connect(t, gateway, old), /alert protocol version|unsupported protocol/i);
  await assert.rejects(connect(t, gateway, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }), /handshake failure/i);
});

test('http/1.1 is agreed by ALPN, and a protocol that is not spoken is refused', async (t) => {
  assert.equal((await connect(t, gateway, { ALPNProtocols: ['http/1.1'] })).alpnProtocol, 'http/1.1');
  await assert.rejects(connect(t, gateway, { ALPNProtocols: ['imap'] }), /no application protocol/i);
});

test('curl gets what it asks for, with TLS 1.2 too', () => {
  for (const flag of ['--tlsv1.3', '--tls-max'])
    assert.equal(curl(flag, ...(flag === '--tls-max' ? ['1.2'] : []), `https://localhost:${gateway.port}/healthz`).stdout, 'ok\n');
});

test('browsers are told to come by TLS only, when that was asked for', async (t) => {
  const plain = await Gateway.start(t, broker, { args: ['--hsts', '86400'] });

  assert.equal((await gateway.get('/healthz')).headers.get('strict-transport-security'), 'max-age=86400');
  assert.equal((await plain.get('/healthz')).headers.get('strict-transport-security'), null);
});

test('a session is resumed by its ticket', async (t) => {
  const first = await connect(t, gateway, { maxVersion: 'TLSv1.2' });
  const session = first.getSession();

  assert.equal(first.isSessionReused(), false);
  assert.equal((await connect(t, gateway, { maxVersion: 'TLSv1.2', session })).isSessionReused(), true);
});

test('plain HTTP on a TLS port is told so', async (t) => {
  const raw = await RawHttp.open(t, gateway, { plain: true });
  raw.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const { status, body } = await raw.answer();

  assert.equal(status, 400);
  assert.match(body.toString(), /^This port speaks TLS: use https:\/\//);
  await raw.until((r) => r.ended);
});

test('what is neither TLS nor HTTP is closed', async (t) => {
  for (const bytes of [Buffer.alloc(64, 0xff), Buffer.from('\x16\x03\x01\xff\xff'.repeat(4), 'latin1'), Buffer.from('\x10\x0c\0\x04MQTT\x05\x02\0\0\0', 'latin1')]) {
    const raw = await RawSocket.open(t, gateway, { plain: true });
    raw.send(bytes);
    await raw.until((r) => r.ended);
  }
});

// --- data ---------------------------------------------------------------------------------------------

test('MQTT.js reads over wss, every message once and in order', async (t) => {
  const reader = await mqttClient(t, `${gateway.wsUrl}/mqtt`, { ca: authority.pem, subscribe: 'tls/+' });
  const writer = await mqttClient(t, broker.url);
  const own = await Gateway.start(t, broker, { tls: server, args: ['--topics', 'tls/#'] });
  const second = await mqttClient(t, `${own.wsUrl}/mqtt`, { ca: authority.pem, subscribe: 'tls/+' });

  for (let i = 0; i < 500; i++) writer.client.publish('tls/a', String(i));
  await second.until((c) => c.messages.length >= 500);
  assert.deepEqual(second.messages.map((m) => Number(m.text)), [...Array(500).keys()]);
  assert.equal(reader.messages.length, 0); // its gateway does not carry the topic
});

test('a large file comes whole, however slowly it is read', async (t) => {
  const socket = await connect(t, gateway);
  let bytes = 0;
  socket.removeAllListeners('data');
  socket.pause();
  socket.write('GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await pause(300); // nothing is read: what waits stays in the file
  socket.on('data', (chunk) => (bytes += chunk.length));
  socket.resume();
  await until(() => socket.readableEnded, { what: 'the end', detail: () => `${bytes} bytes` });
  assert.ok(bytes > LARGE && bytes < LARGE + 2000);
});

test('a message of some megabytes comes whole under TLS, to who reads late too', async (t) => {
  const [reader, late] = await Promise.all([1, 2].map(() => RawMqtt.connect(t, gateway)));
  for (const r of [reader, late]) await r.subscribe('charts/+/frame');
  const writer = await mqttClient(t, broker.url);
  const frame = Buffer.alloc(3 << 20, 'tick');
  late.stall();
  await writer.publish('charts/LONG/frame', frame, { qos: 1 });
  const whole = (r) => r.messages.length > 0;
  await reader.until(whole, 'the whole message', 60_000);
  late.resume();
  await late.until(whole, 'the whole message', 60_000);
  for (const r of [reader, late]) assert.ok(r.messages[0].payload.equals(frame));
});

test('a reader that stalls catches up under TLS, and holds nobody up', async (t) => {
  const all = await Gateway.start(t, broker, { tls: server, args: ['--topics', 'stall/#', '--max-log', '262144'] });
  const slow = await RawMqtt.connect(t, all);
  const fast = await mqttClient(t, `${all.wsUrl}/mqtt`, { ca: authority.pem, subscribe: 'stall/+' });
  const writer = await mqttClient(t, broker.url);
  const text = 'x'.repeat(4000);
  const last = (i) => slow.messages.findLast((m) => m.topic === `stall/${i}`)?.text.split(' ')[0];
  let sent = 0;

  await slow.subscribe('stall/+');
  slow.stall();
  while ((await all.metric('tapecast_catch_ups_total')) === 0) {
    for (let i = 0; i < 200; i++, sent++) {
      writer.client.publish(`stall/${sent % 10}`, `${sent} ${text}`, { retain: true });
      if (i % 20 === 19) await fast.until((c) => c.messages.length > sent);
    }
  }
  slow.resume();
  for (let i = 0; i < 10; i++) await slow.until(() => last(i) === String(sent - 10 + i), `the last of stall/${i}`);
  assert.ok(slow.messages.length < sent);
  assert.deepEqual(fast.messages.map((m) => parseInt(m.text, 10)), [...Array(sent).keys()]);
});

test('records that come byte by byte, and many requests in one record, are read', async (t) => {
  const relay = await connect(t, gateway);
  for (const byte of REQUEST) relay.write(byte);
  await until(() => relay.received.endsWith('ok\n'));

  const many = await connect(t, gateway);
  many.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(400));
  await until(() => many.received.split('\r\n\r\nok\n').length === 401, { what: '400 answers' });
});

test('the wire cut at every byte changes nothing', async (t) => {
  const raw = await RawSocket.open(t, gateway, { plain: true });
  const wire = new Duplex({
    read() {},
    write(chunk, _, done) {
      raw.sendPieces([...chunk].map((byte) => Buffer.from([byte]))).then(() => done(), done);
    },
  });
  raw.onBytes = (bytes) => wire.push(bytes);
  const socket = tls.connect({ socket: wire, ca: authority.pem, servername: 'localhost' });
  atEnd(t, () => socket.destroy());
  socket.received = '';
  socket.on('data', (bytes) => (socket.received += bytes));
  await healthz(socket);
});

// --- those who do not behave --------------------------------------------------------------------------

test('a handshake that is not finished in time is closed, and meanwhile others are served', async (t) => {
  const begun = performance.now();
  const [silent, half, dripping] = [1, 2, 3].map(() => RawSocket.open(t, gateway, { plain: true }));
  const hello = [...Buffer.from('16030100c8010000c40303', 'hex'), ...Buffer.alloc(100, 0x55)];
  const drip = setInterval(async () => (await dripping).send(Buffer.from([hello.shift()])), 50);
  atEnd(t, () => clearInterval(drip));
  (await half).send(Buffer.from(hello));

  await healthz(await connect(t, gateway));
  for (const raw of [silent, half, dripping]) await (await raw).until((r) => r.ended);
  assert.ok(performance.now() - begun >= HANDSHAKE_MS - 50);
});

test('hundreds that go away in the middle leave nothing behind', async (t) => {
  const raws = [];
  for (let i = 0; i < 200; i++) raws.push(await RawSocket.open(t, gateway, { plain: true }));
  for (const [i, raw] of raws.entries()) {
    raw.send(Buffer.from('1603010200010001fc0303', 'hex').subarray(0, i % 11));
    if (i % 2) raw.socket.resetAndDestroy();
    else raw.destroy();
  }
  await until(async () => (await gateway.metric('tapecast_connections')) <= 2, { what: 'the connections to go' });
});

test('a client that asks for new keys in TLS 1.2 is refused', () => {
  const args = ['s_client', '-connect', `127.0.0.1:${gateway.port}`, '-tls1_2', '-CAfile', authority.cert];
  const { stderr } = spawnSync('openssl', args, { input: 'R\n', encoding: 'utf8', timeout: 10_000 });

  assert.match(stderr, /RENEGOTIATING[^]*no renegotiation/);
});

// --- certificates of clients --------------------------------------------------------------------------

test('with --tls-client-ca only clients with a good certificate are let in', async (t) => {
  const strict = await Gateway.start(t, broker, { tls: server, ready: false, args: ['--tls-client-ca', authority.cert] });
  await healthz(await connect(t, strict, shows(client)));
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
    await refused(t, strict, { maxVersion });
    await refused(t, strict, { maxVersion, ...shows(stranger.sign('reader', { client: true })) });
    await refused(t, strict, { maxVersion, ...shows(authority.sign('late', { client: true, days: -1 })) });
  }
  await healthz(await connect(t, strict, shows(client)));
});

test('with --tls-client-auth optional one without is let in, one with a wrong one is not', async (t) => {
  const lenient = await Gateway.start(t, broker, { tls: server, args: ['--tls-client-ca', authority.cert, '--tls-client-auth', 'optional'] });
  const wrong = stranger.sign('reader2', { client: true });

  await healthz(await connect(t, lenient));
  await refused(t, lenient, shows(wrong));
});

// --- the files ----------------------------------------------------------------------------------------

test('on SIGHUP newcomers get the new certificate and nobody is dropped; a bad one changes nothing', async (t) => {
  const dir = tempDir(t);
  const files = { cert: path.join(dir, 'cert.pem'), key: path.join(dir, 'key.pem'), ca: authority.pem };
  const install = ({ cert, key }) => {
    copyFileSync(cert, files.cert);
    copyFileSync(key, files.key);
    chmodSync(files.key, 0o600);
  };
  install(server);
  const own = await Gateway.start(t, broker, { tls: files, args: ['--topics', 'reload/#', '--workers', '2'] });
  const reader = await mqttClient(t, `${own.wsUrl}/mqtt`, { ca: authority.pem, subscribe: 'reload/+', reconnectPeriod: 0 });
  const writer = await mqttClient(t, broker.url);
  const shown = async () => (await connect(t, own)).getPeerCertificate().subject.CN;
  const hup = async (pattern) => {
    const from = own.log.length;
    own.signal('SIGHUP');
    await own.logged(pattern, { from });
  };
  assert.equal(await shown(), 'gateway.test');

  writeFileSync(files.cert, 'nonsense');
  await hup(/cannot use .*cert\.pem as the certificate: .*\n.*the old certificate stays/);
  assert.equal(await shown(), 'gateway.test');

  install({ ...server, key: client.key });
  await hup(/cannot use .*key\.pem as the certificate's key: .*\n.*the old certificate stays/);

  install(authority.sign('renewed.test'));
  await hup(/is valid until/);
  await until(async () => (await shown()) === 'renewed.test', { what: 'the new certificate' });
  await writer.publish('reload/a', 'still here');
  assert.equal((await reader.message('reload/a')).text, 'still here');
});

test('files that cannot be used are named in one line', async (t) => {
  const key = path.join(tempDir(t), 'open.key');
  copyFileSync(server.key, key);
  chmodSync(key, 0o644);
  const cases = [
    [['--tls-cert', server.cert], /TLS takes a certificate and its key: --tls-cert FILE --tls-key FILE/, 2],
    [['--tls-client-ca', server.cert], /TLS takes a certificate and its key/, 2],
    [['--tls-cert', '/none', '--tls-key', server.key], /TLS: cannot read \/none: No such file/, 1],
    [['--tls-cert', server.cert, '--tls-key', key], /others may read the key .*open\.key; run: chmod 600/, 1],
    [['--tls-cert', server.cert, '--tls-key', client.key], /as the certificate's key: key values mismatch/, 2],
    [['--tls-cert', server.key, '--tls-key', server.key], /as the certificate: no start line/, 2],
    [['--tls-cert', server.cert, '--tls-key', server.key, '--tls-client-auth', 'perhaps'], /required or optional/, 2],
  ];
  for (const [args, pattern, status] of cases) {
    const program = new Program(t, 'tapecast-gateway', ['--mqtt-url', broker.url, '--listen', `127.0.0.1:${await freePort()}`, ...args]).start();
    const { code } = await program.exited();
    assert.equal(code, status, program.log);
    assert.match(program.log, pattern);
    assert.equal(program.log.trim().split('\n').length, 1, program.log);
  }
});
