// tapecast-display as its user sees it: on a terminal (script(1) gives it one) and in a pipe.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Broker, Program, Publisher, ROOT, atEnd, binDir, freePort, mqttClient, tempDir, until } from '../support/index.mjs';

const DISPLAY = path.join(binDir(), 'tapecast-display');
const ENTER = '\x1b[?1049h';
const LEAVE = '\x1b[?1049l';

function quote(symbol, price, more = {}) {
  return JSON.stringify({ symbol, price, prev_close: 100, timestamp: Date.now(), seq: 1, mode: 'demo', ...more });
}

/** In a pipe. */
function plainDisplay(t, broker, args = [], options) {
  return new Program(t, 'tapecast-display', ['--mqtt-url', broker.url, ...args], options).start();
}

/** On a terminal of `columns` x 12; `shell` may set the scene before it. */
class Terminal extends Program {
  static start(t, broker, args = [], { columns = 60, env = {} } = {}) {
    const words = [DISPLAY, '--mqtt-url', broker.url, ...args].map((w) => `'${w}'`).join(' ');
    const command = `tty; stty cols ${columns} rows 12; stty -g; ${words}; echo status $?; stty -g`;
    const terminal = new Terminal(t, 'script', ['-qec', command, '/dev/null'], {
      env: { TERM: 'xterm', LANG: 'C.UTF-8', SHELL: '/bin/sh', ...env },
    }).start();
    atEnd(t, () => terminal.running && terminal.interrupt()); // script(1) itself takes 2 s to stop
    return terminal;
  }

  /** Ctrl-C. */
  interrupt() {
    process.kill(this.displayPid, 'SIGINT');
    return this.exited();
  }

  get frames() {
    return this.stdout.split('\x1b[H').slice(1);
  }

  /** What is on the screen, as lines, without escapes; '' before the first frame. */
  get screen() {
    const whole = this.frames.filter((f) => f.includes('\x1b[J')).at(-1) ?? '';
    return plain(whole.slice(0, whole.indexOf('\x1b[J')));
  }

  shows(pattern, timeout = 5000) {
    return until(() => this.screen.match(pattern), { timeout, what: `the screen to show ${pattern}`, detail: () => this.screen });
  }

  resize(columns, rows) {
    execFileSync('stty', ['-F', this.stdout.match(/\/dev\/pts\/\d+/)[0], 'cols', columns, 'rows', rows]);
  }

  /** The process id of the display itself. */
  get displayPid() {
    const children = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    const [shell] = children(this.pid);
    return Number(children(shell)[0]);
  }
}

function plain(text) {
  return text.replaceAll(/\x1b\[[0-9;?]*[a-zA-Z]/g, '').replaceAll('\r', '');
}

function status(pid, name) {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]);
}

test('in a pipe each update is one plain line', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const display = plainDisplay(t, broker, ['aapl', 'BTC/USD']);

  await display.logged(/connected to mqtt:/);
  await writer.publish('stocks/TSLA', quote('TSLA', 5)); // not asked for
  await writer.publish('stocks/AAPL', quote('AAPL', 100.2));
  await display.logged(/^AAPL 100.20 \+0.20%$/m);
  await writer.publish('stocks/BTC%2FUSD', quote('BTC/USD', 99.5));
  await display.logged(/^BTC\/USD 99.50 -0.50%$/m);
  assert.deepEqual(await display.stop(), { code: 0, signal: null });
  assert.equal(display.stdout, 'AAPL 100.20 +0.20%\nBTC/USD 99.50 -0.50%\n');
});

test('retained values are shown at once', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  await writer.publish('stocks/AAPL', quote('AAPL', 100.2), { retain: true, qos: 1 });

  await plainDisplay(t, broker).logged(/^AAPL 100.20 \+0.20%$/m);
});

test('a filter on prices shows decimals and nothing else', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const display = plainDisplay(t, broker, ['--filter', 'stocks/+/price']);
  const bad = ['', 'NaN', '1,5', '\x1b[2J\x1b]0;owned\x07', '1\n2', Buffer.of(0xff, 0x9b), 'x'.repeat(100_000)];

  await display.logged(/connected to mqtt:/);
  for (const payload of bad) await writer.publish('stocks/AAPL/price', payload);
  await writer.publish('stocks/%1B%5B2J/price', '7');
  await writer.publish('stocks/AAPL/price', '189.450', { qos: 1 });
  await display.logged(/^AAPL 189.45$/m);
  await display.stop();
  assert.equal(display.stdout, '?[2J 7.00\nAAPL 189.45\n');
  assert.match(display.log, new RegExp(`${bad.length + 2} messages, 2 shown, ${bad.length} not understood`));
});

test('on a terminal a table is redrawn in place, in colour, and the terminal given back', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const display = Terminal.start(t, broker, ['AAPL', 'MSFT', 'TSLA']);

  await display.shows(/^connected, waiting for prices/);
  await writer.publish('stocks/AAPL', quote('AAPL', 100.2));
  await writer.publish('stocks/MSFT', quote('MSFT', 99.5), { qos: 1 });
  await display.shows(/^live\nSYMBOL +PRICE +CHANGE +% +AGE\nAAPL +▲ 100.20 +\+0.20 +\+0.20% +0s\nMSFT +▼ +99.50 +-0.50 +-0.50% +0s\nTSLA +-/);
  assert.match(display.stdout, /\x1b\[32m[^A-Z]*▲ 100.20/);
  assert.match(display.stdout, /\x1b\[31m[^A-Z]*▼ +99.50/);

  await display.interrupt();
  const [before, after] = display.stdout.match(/^([0-9a-f]+:){8,}[0-9a-f]+/gm);
  assert.equal(after, before, 'the terminal is set as it was');
  assert.ok(display.stdout.indexOf(LEAVE) > display.stdout.lastIndexOf(ENTER));
  assert.match(display.stdout, /\x1b\[\?25h[^]*status 0/, 'the cursor is back');
  assert.doesNotMatch(display.stdout, / info | warn /, 'no log line was written over the table');
});

test('without colours and without a table when that is asked for', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const dull = Terminal.start(t, broker, [], { env: { NO_COLOR: '1' } });
  const lines = Terminal.start(t, broker, ['--plain']);
  const dumb = Terminal.start(t, broker, [], { env: { TERM: 'dumb' } });

  await writer.publish('stocks/AAPL', quote('AAPL', 100.2), { retain: true, qos: 1 });
  await dull.shows(/▲ 100.20/);
  assert.doesNotMatch(dull.stdout, /\x1b\[\d*m./);
  for (const display of [lines, dumb]) {
    await display.logged(/^AAPL 100.20 \+0.20%\r$/m);
    assert.ok(!display.stdout.includes('\x1b'));
  }
});

test('the table follows the size of its terminal', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  for (let i = 10; i < 40; i++) await writer.publish(`stocks/S${i}`, quote(`S${i}`, i), { retain: true, qos: 1 });
  const display = Terminal.start(t, broker);

  await display.shows(/S10[^]*\n21 more in a larger window/);
  display.resize(30, 8);
  await display.shows(/^25 more in a larger window/m);
  assert.ok(display.screen.split('\n').every((line) => line.length <= 30));
  assert.ok(display.screen.split('\n').length <= 8);
  display.resize(200, 20);
  await display.shows(/S39/);
});

test('a restarted broker is found again; until then values are marked as old', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const display = Terminal.start(t, broker);
  const lines = plainDisplay(t, broker);
  const publish = (price) => writer.publish('stocks/AAPL', quote('AAPL', price), { qos: 1 });

  await display.shows(/^connected/);
  await lines.logged(/connected/);
  await publish(100.2);
  await display.shows(/^live/);
  await lines.logged(/^AAPL 100.20 \+0.20%$/m);
  await broker.kill();
  await display.shows(/^disconnected for \ds, retrying: .*\n.*\nAAPL +▲ 100.20 .* old/);
  await lines.logged(/^AAPL 100.20 \+0.20% old$/m);

  await broker.start();
  const from = performance.now();
  await display.shows(/^connected/);
  await lines.logged(/connected[^]*connected/);
  assert.ok(performance.now() - from < 3000, 'within 3 s');
  await publish(100.3);
  await display.shows(/^live\n.*\nAAPL +▲ 100.30 .* \ds/);
  await lines.logged(/^AAPL 100.30 \+0.30%$/m);
  const lost = lines.log.match(/warn .*/g);
  assert.equal(new Set(lost).size, lost.length, 'one line for each reason');
});

test('a broker that is not there yet is waited for, with one line', async (t) => {
  const port = await freePort();
  const display = plainDisplay(t, { url: `mqtt://127.0.0.1:${port}` });

  await display.logged(/warn .*mqtt:.*: nobody answers there; trying until it is back/);
  const broker = await Broker.start(t, { port });
  await display.logged(/info .*connected to mqtt:/);
  assert.equal(display.log.trimEnd().split('\n').length, 2);
  assert.ok(broker.running);
});

test('a user and a password from the environment are sent', async (t) => {
  const passwords = path.join(tempDir(t), 'passwords');
  writeFileSync(passwords, '');
  execFileSync('mosquitto_passwd', ['-b', passwords, 'ticker', 'pass word']);
  const broker = await Broker.start(t, { extra: `password_file ${passwords}\nallow_anonymous false` });
  const url = broker.url.replace('//', '//ticker@');

  await plainDisplay(t, broker).logged(/the broker does not let this user in/);
  await plainDisplay(t, { url }, [], { env: { TAPECAST_MQTT_PASSWORD: 'pass word' } }).logged(/connected to/);
});

/** A display whose output goes to a reader that reads nothing until told to; resolves to both. */
async function displayWithReader(t, broker) {
  const command = `mkfifo out; echo made; exec '${DISPLAY}' --mqtt-url ${broker.url} --filter 'stocks/+/price' >out`;
  const display = new Program(t, 'sh', ['-c', command]).start();
  await display.logged(/made/);
  const reader = createReadStream(path.join(display.dir, 'out'), 'latin1');
  t.after(() => reader.destroy());
  await display.logged(/connected/);
  return { display, reader };
}

test('a reader that falls behind gets the newest price, not a backlog', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const { reader } = await displayWithReader(t, broker);
  const updates = 20_000;
  let text = '';

  for (let i = 1; i < updates; i++) await writer.publish('stocks/AAPL/price', String(i));
  await writer.publish('stocks/AAPL/price', `${updates}`, { qos: 1 });
  reader.on('data', (chunk) => (text += chunk));
  await until(() => text.endsWith(`AAPL ${updates}.00\n`), { timeout: 15_000, what: 'the newest price' });
  const prices = text.match(/\d+(?=\.00)/g).map(Number);
  assert.ok(prices.length < updates, 'the pipe did fill');
  assert.deepEqual(prices, [...prices].sort((a, b) => a - b));
});

test('it ends quietly when its reader does', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const { display, reader } = await displayWithReader(t, broker);
  const ended = display.exited();

  reader.destroy();
  await until(async () => {
    await writer.publish('stocks/AAPL/price', String(Math.random()), { qos: 1 });
    return !display.running;
  });
  assert.deepEqual(await ended, { code: 0, signal: null });
  assert.doesNotMatch(display.log, / error /);
});

test('wrong options end with status 2 and one line that helps', async (t) => {
  const cases = [
    [['--mqtt-url', 'localhost'], /mqtt:\/\/127\.0\.0\.1:1883/],
    [['--mqtt-ca-file', 'ca.pem'], /certificates need TLS/],
    [['--mqtt-url', 'mqtts://localhost', '--mqtt-cert', 'a.pem'], /go together/],
    [['--mqtt-url', 'mqtt://me:secret@localhost'], /TAPECAST_MQTT_PASSWORD/],
    [['--filter', 'stocks/+x'], /not an MQTT filter/],
    [['--filter', 'stocks/#/price'], /not an MQTT filter/],
    [['--filter', 'stocks/+', 'AAPL'], /not both/],
    [['A'.repeat(25)], /1 to 24 bytes/],
    [['--stale-after', '0'], /not within 1 to 86400/],
    [['--nonsense'], /--nonsense/],
  ];
  for (const [args, message] of cases) {
    const display = new Program(t, 'tapecast-display', args).start();
    assert.deepEqual(await display.exited(), { code: 2, signal: null }, args.join(' '));
    assert.match(display.log, message);
    assert.match(display.log, /^tapecast-display: .*--help\)\n$/, 'one line');
    assert.doesNotMatch(display.log, /secret/);
  }
});

test('--help teaches by examples', async (t) => {
  const display = new Program(t, 'tapecast-display', ['--help']).start();
  assert.equal((await display.exited()).code, 0);
  for (const word of ['TAPECAST_MQTT_URL', "--filter 'stocks/+/price'", '--plain', 'AAPL 189.45 +0.20%', 'NO_COLOR'])
    assert.ok(display.stdout.includes(word), word);
  assert.ok(display.stdout.split('\n').every((line) => line.length <= 82));
});

test('20 symbols take less than 4 MB', async (t) => {
  const bin = ['release', 'dev'].map((b) => path.join(ROOT, 'build', b, 'bin/tapecast-display')).find(existsSync);
  if (!bin) return t.skip('needs a build without sanitizers: build/release or build/dev');
  const broker = await Broker.start(t);
  Publisher.start(t, broker, { args: ['--rate', '500'] });
  const reader = await mqttClient(t, broker.url, { subscribe: 'stocks/+' });
  const display = new Program(t, bin, ['--mqtt-url', broker.url]).start();

  await reader.until((r) => r.latest.size >= 20);
  await until(() => new Set(display.stdout.match(/^\S+/gm)).size >= 20 && display.stdout.length > 10_000);
  for (const name of ['VmRSS', 'VmHWM']) {
    const kb = status(display.pid, name);
    t.diagnostic(`${name} ${kb} kB`);
    assert.ok(kb < 4096, `${name} is ${kb} kB`);
  }
});
