// ./run, as a user starts it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { Program, ROOT, atEnd, canListen, freePort, mqttClient, tempDir, until } from '../support/index.mjs';

const START_MS = 180_000; // the first one builds

test('starts everything, tells the address, and stops without a trace', async (t) => {
  const stack = await Stack.start(t);
  const reader = await mqttClient(t, stack.mqttUrl, { subscribe: 'stocks/#' });
  await reader.until((r) => r.latest.has('stocks/AAPL') && r.latest.has('stocks/AAPL/price'));
  await until(async () => (await stack.quotes()).length === 20, { what: 'the quotes of 20 symbols' });
  assert.equal((await fetch(stack.url)).status, 200, 'the dashboard');

  await stack.stopsCleanly('SIGINT');
});

test('SIGTERM and SIGHUP stop it as well as Ctrl-C', async (t) => {
  for (const signal of ['SIGTERM', 'SIGHUP']) await (await Stack.start(t)).stopsCleanly(signal);
});

test('a second copy takes the next ports, says whose the first are, and leaves them alone', async (t) => {
  const first = await Stack.start(t);
  const broker = childrenOf(first.program.pid).find((child) => child.name === 'mosquitto');
  const second = await Stack.start(t, { MQTT_PORT: first.mqttPort, HTTP_PORT: first.httpPort });
  assert.match(second.program.log, new RegExp(`Port ${first.mqttPort} is taken by mosquitto \\(pid ${broker.pid}\\)`));
  assert.match(second.program.log, new RegExp(`using ${second.mqttPort} instead`));
  assert.notEqual(second.mqttPort, first.mqttPort);
  assert.notEqual(second.httpPort, first.httpPort);
  await until(async () => (await second.quotes()).length > 0);

  await second.stopsCleanly('SIGINT');
  assert.equal((await fetch(first.url)).status, 200);
  await first.stopsCleanly('SIGINT');
});

test("another program's port is left alone", async (t) => {
  const other = net.createServer();
  const port = await freePort(); // the next one must not be an outgoing connection's
  await new Promise((resolve) => other.listen(port, '127.0.0.1', resolve));
  atEnd(t, () => new Promise((resolve) => other.close(resolve)));

  const stack = await Stack.start(t, { HTTP_PORT: port });
  assert.match(stack.program.log, new RegExp(`Port ${port} is taken by .*\\(pid ${process.pid}\\)`));
  assert.ok(stack.httpPort > port);
});

for (const victim of ['publisher', 'recorder', 'gateway', 'broker'])
  test(`when the ${victim} dies, it is started again; at the second time all is stopped`, async (t) => {
    const stack = await Stack.start(t);
    const processName = victim === 'broker' ? 'mosquitto' : `tapecast-${victim}`;
    const find = () => childrenOf(stack.program.pid).find((child) => processName.startsWith(child.name));
    const first = find();
    process.kill(first.pid, 'SIGKILL');
    const told = new RegExp(`The ${victim} has ended by itself \\(status 137\\), so it is started again`);
    await until(() => told.test(stack.program.log) && find() !== undefined && find().pid !== first.pid, {
      timeout: 15_000,
    });
    const answers = () => stack.quotes().catch(() => undefined); // the gateway may be the one that is away
    const before = new Map((await until(answers, { timeout: 15_000 })).map((quote) => [quote.symbol, quote.timestamp]));
    const newer = (quote) => quote.timestamp > (before.get(quote.symbol) ?? 0);
    await until(async () => (await answers())?.some(newer), { timeout: 15_000, what: 'newer prices' });

    const children = childrenOf(stack.program.pid);
    process.kill(find().pid, 'SIGKILL');
    assert.equal((await stack.program.exited()).code, 1);
    assert.match(stack.program.log, new RegExp(`The ${victim} has ended by itself \\(status 137\\), so the rest is stopped`));
    await gone(children);
  });

test('what is published is recorded, and the gateway has it', async (t) => {
  const stack = await Stack.start(t, { SYMBOLS: 'AAPL' });
  const url = `http://127.0.0.1:${stack.httpPort}/api/history?symbol=AAPL&resolution=1S`;
  await until(async () => (await (await fetch(url)).json()).s === 'ok');
});

test('a symbol list from the environment is the one that is published', async (t) => {
  const stack = await Stack.start(t, { SYMBOLS: 'AAPL,BTC/USD' });
  await until(async () => (await stack.quotes()).length === 2);
  const symbols = (await stack.quotes()).map((quote) => quote.symbol).sort();
  assert.deepEqual(symbols, ['AAPL', 'BTC/USD']);
});

test('a replay that has come to its end leaves its last prices', async (t) => {
  const file = path.join(ROOT, 'tests/fixtures/replay/daily.csv');
  const stack = await Stack.start(t, { FEED: 'replay', TAPECAST_FILE: file, TAPECAST_SPEED: 'max' });
  await stack.program.logged(/The publisher has published everything/);
  await until(async () => (await stack.quotes()).length === 3);
  await stack.stopsCleanly('SIGINT');
});

test('on a terminal it keeps one status line, and Ctrl-C ends it', async (t) => {
  const stack = await Stack.start(t, {}, { terminal: true });
  await stack.program.logged(/\r\x1b\[K.*20 symbols · \d+ ticks\/s · 0 readers · feed sim is live/, { timeout: 20_000 });
  const children = childrenOf(stack.program.pid);
  stack.program.type('\x03');
  assert.equal((await stack.program.exited()).code, 0);
  await gone(children);
});

test('nothing outlives the terminal', async (t) => {
  const stack = await Stack.start(t, {}, { terminal: true });
  const children = childrenOf(stack.program.pid);
  assert.ok(children.length >= 4, './run and three programs');
  await stack.program.kill(); // the terminal, not ./run
  await gone(children);
});

test('what is no port is refused with the name of the setting', async (t) => {
  const run = new Program(t, path.join(ROOT, 'run'), [], { env: { HTTP_PORT: '80800' } }).start();
  assert.equal((await run.exited()).code, 1);
  assert.match(run.log, /^HTTP_PORT=80800 is not a port/m);
});

test('--help tells the settings, anything else is a usage error', async (t) => {
  const help = new Program(t, path.join(ROOT, 'run'), ['--help']).start();
  assert.equal((await help.exited()).code, 0);
  for (const name of ['SYMBOLS', 'FEED', 'BIND', 'HTTP_PORT', 'MQTT_PORT'])
    assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'));

  const wrong = new Program(t, path.join(ROOT, 'run'), ['--port', '1']).start();
  assert.equal((await wrong.exited()).code, 2);
});

test('a setting comes from the environment, else from .env, else it is the default', (t) => {
  const dir = tempDir(t);
  const lines = ['A=one # comment', 'export B="two # 2"', "C='3'\r", 'D=', 'A=last', '#E=5', 'F=#6', 'GA=7'];
  writeFileSync(path.join(dir, '.env'), lines.join('\n'));
  const setting = (name, env = {}) =>
    execFileSync('bash', ['-c', `. "${ROOT}/scripts/settings.sh"; setting ${name} default`], {
      cwd: dir,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    }).toString();

  assert.equal(setting('A'), 'last');
  assert.equal(setting('A', { A: 'mine' }), 'mine');
  assert.equal(setting('B'), 'two # 2');
  assert.equal(setting('C'), '3');
  for (const name of ['D', 'E', 'F', 'G']) assert.equal(setting(name), 'default', name);
});

/* A running ./run and what it told about itself. */
class Stack {
  static async start(t, settings = {}, { terminal = false } = {}) {
    const env = { MQTT_PORT: await freePort(), HTTP_PORT: await freePort(), ...settings };
    const run = path.join(ROOT, 'run');
    const [command, ...args] = terminal ? ['script', '-qfec', `exec ${run}`, '/dev/null'] : [run];
    const stack = new Stack();
    const stdin = terminal ? 'pipe' : 'ignore';
    stack.program = new Program(t, command, args, { env, stdin, deathSignal: 'TERM' }).start();
    stack.url = (await stack.program.logged(/Dashboard {2}(http:\S+)/, { timeout: START_MS }))[1];
    stack.httpPort = Number(new URL(stack.url).port);
    stack.mqttPort = Number((await stack.program.logged(/mosquitto_sub -p (\d+)/))[1]);
    stack.mqttUrl = `mqtt://127.0.0.1:${stack.mqttPort}`;
    atEnd(t, () => rmSync(path.join(ROOT, '.run', String(stack.mqttPort)), { recursive: true }));
    return stack;
  }

  async quotes() {
    return (await fetch(`${this.url}/api/quotes`)).json();
  }

  async stopsCleanly(signal) {
    const children = childrenOf(this.program.pid);
    assert.ok(children.length >= 2, 'broker and gateway at least');
    assert.equal((await this.program.stop(signal)).code, 0);
    await gone(children);
    assert.ok((await canListen(this.mqttPort)) && (await canListen(this.httpPort)), 'the ports are free again');
  }
}

/* All processes below `pid`: [{ pid, name }], the name cut to 15 bytes as the kernel keeps it. */
function childrenOf(pid) {
  const below = processes().filter((process) => process.parent === pid);
  return below.flatMap((child) => [child, ...childrenOf(child.pid)]);
}

function processes() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const [, name, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').match(/^\d+ \((.*)\) \S (\d+)/);
      return [{ pid: Number(pid), name, parent: Number(parent) }];
    } catch {
      return []; // it has just ended
    }
  });
}

function gone(children) {
  const left = () => processes().filter((p) => children.some((c) => c.pid === p.pid && c.name === p.name));
  return until(() => left().length === 0, { what: 'all processes to end', detail: () => JSON.stringify(left()) });
}
