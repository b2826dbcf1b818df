// What goes wrong around a store: one clear line, nothing lost, nothing doubled, nothing damaged.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { Broker, Gateway, Program, Recorder, STORES, Store, atEnd, binDir, mqttClient, runRecorder, stores, tempDir, until } from '../support/index.mjs';

const NOON = Date.UTC(2024, 3, 5, 16);

const fresh = stores({ after });

async function setUp(t, { kind = 'sqlite', store, args } = {}) {
  store ??= await fresh(t, kind);
  const broker = await Broker.start(t);
  const recorder = await Recorder.start(t, broker, { store: store.url, args });
  const client = await mqttClient(t, broker.url, { subscribe: 'status/recorder/+' });
  const say = (symbol, timestamp, price, seq, more) =>
    client.publish(`stocks/${symbol}`, JSON.stringify({ symbol, price, timestamp, seq, mode: 'live', ...more }), { retain: true });
  const status = () => client.messages.at(-1)?.json;
  return { store, broker, recorder, client, say, status };
}

const errors = (log) => log.split('\n').filter((line) => / error /.test(line));

// --- a store that takes nothing for a while -----------------------------------------------------------

/** An SQLite file that another program locks. */
async function locked(t) {
  const store = await fresh(t, 'sqlite');
  const begin = async () => {
    const lock = spawn('sqlite3', [store.url], { stdio: ['pipe', 'pipe', 'ignore'] });
    atEnd(t, () => lock.kill('SIGKILL'));
    lock.stdin.write('BEGIN IMMEDIATE; SELECT 1;\n');
    await new Promise((resolve) => lock.stdout.once('data', resolve));
    return () => lock.stdin.write('COMMIT;\n');
  };
  return { store, begin };
}

/** A PostgreSQL server that goes and comes back. */
const away = (go, comeBack) => async (t) => {
  const store = await fresh(t, 'postgres');
  const begin = async () => {
    await store.server[go]();
    return () => store.server[comeBack]();
  };
  return { store, begin };
};

/** A small tmpfs that something else fills; null: we may not mount one. */
function smallDisk(t, size) {
  const dir = tempDir(t);
  try {
    const user = execFileSync('id', ['-u', 'nobody']).toString().trim(); // PostgreSQL's
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},uid=${user}`, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return null;
  }
  atEnd(t, () => execFileSync('umount', ['-l', dir]));
  const ballast = path.join(dir, 'ballast');
  const fill = () => {
    assert.throws(() => writeFileSync(ballast, Buffer.alloc(64 << 20)), { code: 'ENOSPC' });
    return () => rmSync(ballast);
  };
  return { dir, fill };
}

async function fullDisk(t, kind) {
  const disk = smallDisk(t, kind === 'sqlite' ? '1m' : '16m'); // an empty database has 8 MB
  if (disk === null) return null;
  if (kind === 'sqlite') return { store: new Store(path.join(disk.dir, 'history.db')), begin: disk.fill };
  const store = await fresh(t, kind);
  const name = path.basename(disk.dir).replaceAll('-', '_').toLowerCase();
  const { server } = store;
  server.psql(server.url, `CREATE TABLESPACE ${name} LOCATION '${disk.dir}'`);
  server.psql(server.url, `ALTER DATABASE ${path.basename(store.url)} SET TABLESPACE ${name}`);
  atEnd(t, () => server.psql(server.url, `DROP DATABASE ${path.basename(store.url)} WITH (FORCE)`));
  return { store, begin: disk.fill };
}

const OUTAGES = {
  'a locked file': locked,
  'a full disk under a file': (t) => fullDisk(t, 'sqlite'),
  'a full disk under PostgreSQL': (t) => fullDisk(t, 'postgres'),
  'a PostgreSQL that restarts': away('stop', 'start'),
  'a PostgreSQL that crashes': away('kill', 'start'),
  'a PostgreSQL that hangs': away('freeze', 'thaw'),
};

const SECONDS = 3000; // more than fits a disk that is full

for (const [name, make] of Object.entries(OUTAGES))
  test(`${name} is told in one line, and with it over nothing is missing and nothing doubled`, async (t) => {
    const outage = await make(t);
    if (outage === null) return t.skip('no right to mount a small tmpfs');
    const { store, recorder, client, say, status } = await setUp(t, outage);
    await say('AAPL', NOON, 100, 1, { volume: 10 });
    await store.has(1, 'AAPL', 1);
    const end = await outage.begin();
    for (let i = 1; i <= SECONDS; i++) say('AAPL', NOON + i * 1000, 100 + (i % 7), i + 1, { volume: 10 + i });
    await client.until(() => status()?.condition === 'fault');
    await end();
    const bars = await store.has(SECONDS + 1, 'AAPL', 1, { detail: () => recorder.log });
    await client.until(() => status().condition === 'recording');
    assert.deepEqual(bars.map((b) => [b.t, b.c, b.v]), bars.map((_, i) => [NOON / 1000 + i, 100 + (i % 7), i && 1]));
    for (const seconds of [60, 86400])
      assert.equal(store.bars('AAPL', seconds).reduce((sum, b) => sum + b.v, 0), SECONDS);
    assert.equal(errors(recorder.log).length, 1, recorder.log);
    assert.match(recorder.log, /takes nothing at present/);
    if (!store.server) assert.equal(execFileSync('sqlite3', [store.url, 'PRAGMA integrity_check']).toString(), 'ok\n');
  });

test('a store that hangs keeps neither the recorder nor the gateway from ending', async (t) => {
  const { store, broker, recorder, say } = await setUp(t, { kind: 'postgres' });
  const gateway = await Gateway.start(t, broker, { args: ['--store', store.url], ready: false });
  await say('AAPL', NOON, 100, 1);
  await store.has(1, 'AAPL', 1);
  assert.equal((await gateway.get('/api/history?symbol=AAPL')).status, 200);
  store.server.freeze();
  try {
    gateway.get('/api/history?symbol=AAPL').catch(() => {});
    await until(async () => (await gateway.metric('tapecast_history_open')) === 1);
    await say('AAPL', NOON + 1000, 100, 2);
    const ends = await Promise.all([recorder.stop(), gateway.stop()]);
    assert.deepEqual(ends.map((end) => end.code), [0, 0]);
  } finally {
    store.server.thaw();
  }
  assert.match(gateway.log, /does not answer/);
});

// --- stores that cannot be used -----------------------------------------------------------------------

describe('what goes wrong by itself', { concurrency: 4 }, () => {
  test('a file that is no store, damaged, or not to be written is told in one line that says what to do', async (t) => {
    const dir = tempDir(t);
    const file = (name, bytes) => {
      writeFileSync(path.join(dir, name), bytes);
      return path.join(dir, name);
    };
    const { store, recorder, say } = await setUp(t);
    await say('AAPL', NOON, 100, 1);
    await store.has(1, 'AAPL', 1);
    await recorder.stop();
    const good = readFileSync(store.url);
    const cut = Buffer.concat([good.subarray(0, 4096), Buffer.alloc(good.length - 4096, 0xa5)]);
    const newer = file('newer.db', '');
    execFileSync('sqlite3', [newer, 'PRAGMA user_version = 99; CREATE TABLE future(x);']);
    const cases = [
      [newer, /newer version/],
      [file('text.db', 'this is no database, but some text that is long enough to look like one\n'.repeat(20)), /damaged: restore a backup/],
      [file('cut.db', cut), /damaged: restore a backup/],
      [path.join(dir, 'no', 'such', 'folder.db'), /its folder must be there/],
      [dir, /its folder must be there/],
      ['postgres://127.0.0.1:1/x', /cannot open the store .*refused/],
    ];
    if (process.getuid() !== 0) {
      mkdirSync(path.join(dir, 'locked'));
      writeFileSync(path.join(dir, 'locked/history.db'), good);
      chmodSync(path.join(dir, 'locked/history.db'), 0o444);
      chmodSync(path.join(dir, 'locked'), 0o555);
      cases.push([path.join(dir, 'locked/history.db'), /must be writable/]);
    }
    for (const [at, words] of cases) {
      const { code, log } = await runRecorder(t, ['--store', at, '--mqtt-url', 'mqtt://127.0.0.1:1']);
      assert.equal(code, 1, log);
      assert.equal(errors(log).length, 1, log);
      assert.match(log, words);
    }
    assert.equal(execFileSync('sqlite3', [newer, '.tables']).toString().trim(), 'future', 'it is left alone');
  });

  test('options that make no sense are told in one line', async (t) => {
    const cases = [['--keep', '1s'], ['--keep', '2m=3'], ['--keep', '1s=-1'], ['--instance', ''], ['--mqtt-url', 'http://x']];
    for (const args of [...cases, ['--store', 'postgres://me:hunter2@127.0.0.1:1/x']]) {
      const { code, log } = await runRecorder(t, ['--store', path.join(tempDir(t), 'h.db'), ...args]);
      assert.equal(code, 2, `${args}: ${log}`);
      assert.equal(log.trim().split('\n').filter((l) => !/ info /.test(l)).length, 1, log);
      assert.doesNotMatch(log, /hunter2/, 'a password in the URL is refused, not told');
    }
  });

  test('bars of an older version are taken over', async (t) => {
    const store = await fresh(t, 'sqlite');
    execFileSync('sqlite3', [store.url, `
      CREATE TABLE symbols(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, newest_ms INTEGER, seq INTEGER,
        volume_day INTEGER, volume INTEGER, volume_scale INTEGER);
      CREATE TABLE bars(symbol INTEGER NOT NULL, resolution INTEGER NOT NULL, t INTEGER NOT NULL, open INTEGER NOT NULL,
        high INTEGER NOT NULL, low INTEGER NOT NULL, close INTEGER NOT NULL, scale INTEGER NOT NULL, volume INTEGER NOT NULL,
        volume_scale INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
        PRIMARY KEY(symbol, resolution, t)) WITHOUT ROWID;
      INSERT INTO symbols VALUES(1, 'AAPL', ${NOON}, 7, 19818, 500, 0), (2, 'BTC/USD', NULL, NULL, NULL, NULL, NULL);
      INSERT INTO bars VALUES(1, 60, ${NOON / 1000}, 18945, 19002, 18840, 18900, 2, 500, 0, 0, 59000);
      INSERT INTO bars VALUES(1, 86400, 1712275200, 18945, 19002, 18840, 18900, 2, 500, 0, 57600000, 57659000);
      INSERT INTO bars VALUES(2, 60, 60, 1, 1, 1, 1, 8, 125, 2, 0, 0);
      PRAGMA user_version = 1;`]);
    const { say } = await setUp(t, { store });
    assert.deepEqual(store.bars('BTC/USD', 60), [{ t: 60, o: 1e-8, h: 1e-8, l: 1e-8, c: 1e-8, v: 1.25 }]);
    await say('AAPL', NOON + 59_500, 200, 8, { volume: 600 });
    await until(() => store.bars('AAPL', 60)[0].h === 200, { every: 100 });
    assert.deepEqual(store.bars('AAPL', 60), [{ t: NOON / 1000, o: 189.45, h: 200, l: 188.4, c: 200, v: 600 }]);
    assert.equal(store.bars('AAPL', 86400)[0].v, 600);
    assert.equal(execFileSync('sqlite3', [store.url, 'PRAGMA user_version']).toString(), '2\n');
  });

  test('PostgreSQL does what every store has to do', async (t) => {
    const program = path.join(binDir(), '../tests/recorder_store_test');
    if (!existsSync(program)) return t.skip('the unit tests are not built here');
    const store = await fresh(t, 'postgres');
    const unit = new Program(t, program, [], { env: { TAPECAST_TEST_STORE: store.url } }).start();
    const { code } = await unit.exited(60_000);
    assert.equal(code, 0, unit.log);
  });

  test('PostgreSQL of a newer version is left alone, TimescaleDB is used where it is', async (t) => {
    const store = await fresh(t, 'postgres');
    const psql = (sql) => store.server.psql(store.url, sql);
    // A stand-in for the extension's function: it notes how it was called.
    psql(`CREATE TABLE calls(what text);
      CREATE FUNCTION create_hypertable(regclass, name, chunk_time_interval bigint, if_not_exists boolean, migrate_data boolean)
        RETURNS void LANGUAGE sql AS $$ INSERT INTO calls VALUES($1::text || ' by ' || $2 || ' every ' || $3) $$;`);
    const { recorder, say } = await setUp(t, { store });
    await say('AAPL', NOON, 100, 1);
    await store.has(1, 'AAPL', 60);
    await recorder.stop();
    assert.equal(psql('SELECT what FROM calls'), 'bars by t every 2419200');
    psql(`CREATE OR REPLACE FUNCTION create_hypertable(regclass, name, chunk_time_interval bigint, if_not_exists boolean,
      migrate_data boolean) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not licensed'; END $$`);
    await recorder.start();
    assert.match(recorder.log, /stay plain ones: .*not licensed/);
    await recorder.stop();
    psql('UPDATE tapecast_version SET version = 99');
    const { code, log } = await runRecorder(t, ['--store', store.url]);
    assert.equal(code, 1);
    assert.match(log, /newer version of this program: its schema is 99/);
  });

  // --- odd publishers and clocks ------------------------------------------------------------------------

  test('a clock that was ahead leaves what comes after to be recorded', async (t) => {
    const { store, recorder, say, client, status } = await setUp(t);
    const ahead = Date.now() + 2 * 3_600_000;
    await say('AAPL', ahead, 100, 1, { mode: 'replay' }); // as if this machine's clock had been ahead too
    await store.has(1, 'AAPL', 1);
    await say('AAPL', Date.now(), 101, 2);
    await store.has(2, 'AAPL', 1, { detail: () => JSON.stringify(status()) });
    await say('AAPL', Date.now() + 600_000, 999, 3); // of the future: left out
    await say('AAPL', Date.now(), 102, 4);
    await until(() => store.bars('AAPL', 86400).some((b) => b.h === 102), { every: 100 });
    await recorder.stop();
    await client.until(() => status().state === 'offline');
    assert.equal(status().rejected, 1);
    assert.ok(store.bars('AAPL', 86400).every((b) => b.h < 999));
  });

  test('two publishers of one symbol leave no gaps, and what each lost is counted', async (t) => {
    const { store, recorder, say, client, status } = await setUp(t);
    for (let i = 0; i < 10; i++) {
      await say('AAPL', NOON + i * 100, 100, 5000 + i);
      if (i !== 5) await say('AAPL', NOON + i * 100 + 50, 100, 17 + i);
    }
    await say('AAPL', NOON + 5000, 100, 27);
    await store.has(2, 'AAPL', 1);
    await recorder.stop();
    await client.until(() => status().state === 'offline');
    assert.deepEqual([status().quotes, status().lost, status().gaps], [20, 1, 1]);
  });
});
