// What goes wrong around a store: one clear line, nothing lost, nothing doubled, nothing damaged.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { Broker, Postgres, Recorder, atEnd, exportBars, mqttClient, runRecorder, tempDir, until } from '../support/index.mjs';

const NOON = Date.UTC(2024, 3, 5, 16);

async function setUp(t, { store, args } = {}) {
  const at = store ?? path.join(tempDir(t), 'history.db');
  const broker = await Broker.start(t);
  const recorder = await Recorder.start(t, broker, { store: at, args });
  const client = await mqttClient(t, broker.url, { subscribe: 'status/recorder/+' });
  const say = (symbol, timestamp, price, seq, more) =>
    client.publish(`stocks/${symbol}`, JSON.stringify({ symbol, price, timestamp, seq, mode: 'live', ...more }), { retain: true });
  const status = () => client.messages.at(-1)?.json;
  return { at, broker, recorder, client, say, status };
}

const errors = (log) => log.split('\n').filter((line) => / error /.test(line));

test('a file that another program locks delays what is recorded, no more', async (t) => {
  const { at, recorder, client, say, status } = await setUp(t);
  await say('AAPL', NOON, 100, 1);
  await until(() => exportBars(at, 'AAPL', 1).length === 1);
  const lock = spawn('sqlite3', [at], { stdio: ['pipe', 'pipe', 'ignore'] });
  atEnd(t, () => lock.kill('SIGKILL'));
  lock.stdin.write('BEGIN IMMEDIATE; SELECT 1;\n');
  await new Promise((resolve) => lock.stdout.once('data', resolve));
  for (let i = 1; i <= 50; i++) await say('AAPL', NOON + i * 1000, 100 + i, i + 1);
  await client.until(() => status()?.condition === 'fault', 15_000);
  lock.stdin.write('COMMIT;\n');
  await until(() => exportBars(at, 'AAPL', 1).length === 51, { timeout: 10_000 });
  await client.until(() => status().condition === 'recording', 5000);
  assert.equal(errors(recorder.log).length, 1, recorder.log);
});

test('a file that is no store, damaged, or not to be written is told in one line that says what to do', async (t) => {
  const dir = tempDir(t);
  const file = (name, bytes) => {
    writeFileSync(path.join(dir, name), bytes);
    return path.join(dir, name);
  };
  const { at, recorder, say } = await setUp(t);
  await say('AAPL', NOON, 100, 1);
  await until(() => exportBars(at, 'AAPL', 1).length === 1);
  await recorder.stop();
  const good = readFileSync(at);
  const cut = Buffer.concat([good.subarray(0, 4096), Buffer.alloc(good.length - 4096, 0xa5)]);
  const cases = [
    [file('text.db', 'this is no database, but some text that is long enough to look like one\n'.repeat(20)), /damaged: restore a backup/],
    [file('cut.db', cut), /damaged: restore a backup/],
    [path.join(dir, 'no', 'such', 'folder.db'), /its folder must be there/],
    [dir, /its folder must be there/],
  ];
  if (process.getuid() !== 0) {
    mkdirSync(path.join(dir, 'locked'));
    writeFileSync(path.join(dir, 'locked/history.db'), good);
    chmodSync(path.join(dir, 'locked/history.db'), 0o444);
    chmodSync(path.join(dir, 'locked'), 0o555);
    cases.push([path.join(dir, 'locked/history.db'), /must be writable/]);
  }
  for (const [store, words] of cases) {
    const { code, log } = await runRecorder(t, ['--store', store, '--mqtt-url', 'mqtt://127.0.0.1:1']);
    assert.equal(code, 1, log);
    assert.equal(errors(log).length, 1, log);
    assert.match(log, words);
  }
});

test('bars of an older version are taken over', async (t) => {
  const store = path.join(tempDir(t), 'old.db');
  execFileSync('sqlite3', [store, `
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
  const { recorder, say } = await setUp(t, { store });
  assert.deepEqual(exportBars(store, 'BTC/USD', 60), [{ t: 60, o: 1e-8, h: 1e-8, l: 1e-8, c: 1e-8, v: 1.25 }]);
  await say('AAPL', NOON + 59_500, 200, 8, { volume: 600 });
  await until(() => exportBars(store, 'AAPL', 60)[0].h === 200);
  assert.deepEqual(exportBars(store, 'AAPL', 60), [{ t: NOON / 1000, o: 189.45, h: 200, l: 188.4, c: 200, v: 600 }]);
  assert.equal(exportBars(store, 'AAPL', 86400)[0].v, 600);
  assert.equal(recorder.query('PRAGMA user_version')[0].user_version, 2);
});

test('a clock that was ahead leaves what comes after to be recorded', async (t) => {
  const { at, recorder, say, client, status } = await setUp(t);
  const ahead = Date.now() + 2 * 3_600_000;
  await say('AAPL', ahead, 100, 1, { mode: 'replay' }); // as if this machine's clock had been ahead too
  await until(() => exportBars(at, 'AAPL', 1).length === 1);
  await say('AAPL', Date.now(), 101, 2);
  await until(() => exportBars(at, 'AAPL', 1).length === 2, { detail: () => JSON.stringify(status()) });
  await say('AAPL', Date.now() + 600_000, 999, 3); // of the future: left out
  await say('AAPL', Date.now(), 102, 4);
  await until(() => exportBars(at, 'AAPL', 86400).some((b) => b.h === 102));
  await recorder.stop();
  await client.until(() => status().state === 'offline');
  assert.equal(status().rejected, 1);
  assert.ok(exportBars(at, 'AAPL', 86400).every((b) => b.h < 999));
});

test('two publishers of one symbol leave no gaps, and what each lost is counted', async (t) => {
  const { at, recorder, say, client, status } = await setUp(t);
  for (let i = 0; i < 10; i++) {
    await say('AAPL', NOON + i * 100, 100, 5000 + i);
    if (i !== 5) await say('AAPL', NOON + i * 100 + 50, 100, 17 + i);
  }
  await say('AAPL', NOON + 5000, 100, 27);
  await until(() => exportBars(at, 'AAPL', 1).length === 2);
  await recorder.stop();
  await client.until(() => status().state === 'offline');
  assert.deepEqual([status().quotes, status().lost, status().gaps], [20, 1, 1]);
});

test('PostgreSQL of a newer version is left alone, TimescaleDB is used where it is', async (t) => {
  const postgres = await Postgres.start(t);
  const psql = (sql) => execFileSync('psql', ['-qAtX', postgres.url, '-c', sql]).toString().trim();
  // A stand-in for the extension's function: it notes how it was called.
  psql(`CREATE TABLE calls(what text);
    CREATE FUNCTION create_hypertable(regclass, name, chunk_time_interval bigint, if_not_exists boolean, migrate_data boolean)
      RETURNS void LANGUAGE sql AS $$ INSERT INTO calls VALUES($1::text || ' by ' || $2 || ' every ' || $3) $$;`);
  const { recorder, say } = await setUp(t, { store: postgres.url });
  await say('AAPL', NOON, 100, 1);
  await until(() => postgres.bars('AAPL', 60).length === 1);
  await recorder.stop();
  assert.equal(psql('SELECT what FROM calls'), 'bars by t every 2419200');
  psql(`CREATE OR REPLACE FUNCTION create_hypertable(regclass, name, chunk_time_interval bigint, if_not_exists boolean,
    migrate_data boolean) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not licensed'; END $$`);
  await recorder.start();
  assert.match(recorder.log, /stay plain ones: .*not licensed/);
  await recorder.stop();
  psql('UPDATE tapecast_version SET version = 99');
  const { code, log } = await runRecorder(t, ['--store', postgres.url]);
  assert.equal(code, 1);
  assert.match(log, /newer version of this program: its schema is 99/);
});
