// Raw ticks: a reader that missed some gets exactly those; and what a feed takes back changes the right
// bar and nothing else. The same on both stores.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { AlpacaStandIn, Broker, Gateway, Publisher, Recorder, STORES, mqttClient, runRecorder, stores, until } from '../support/index.mjs';

const NOON = Date.UTC(2024, 3, 5, 16); // noon in New York, a Friday
const S = NOON / 1000;

const quote = (symbol, ms, price, seq, more) => ({ symbol, price, timestamp: NOON + ms, seq, mode: 'live', ...more });

const fresh = stores({ after });

async function setUp(t, { kind = 'sqlite', args = ['--ticks', '1'] } = {}) {
  const store = await fresh(t, kind);
  const at = store.url;
  const broker = await Broker.start(t);
  const recorder = await Recorder.start(t, broker, { store: at, args });
  const client = await mqttClient(t, broker.url, { subscribe: 'status/recorder/+' });
  const gateway = await Gateway.start(t, broker, { args: ['--store', at], ready: false });
  const say = (...quotes) =>
    Promise.all(quotes.map((q) => client.publish(`stocks/${q.symbol}`, JSON.stringify(q), { retain: true })));
  const ticks = async (query) => (await gateway.get(`/api/ticks?symbol=AAPL&${query}`)).json();
  const kept = (n) => until(async () => (await ticks('from_seq=0')).ticks?.length === n, { what: `${n} ticks`, detail: () => recorder.log });
  const bars = (seconds) => store.bars('AAPL', seconds);
  const soon = (seconds, condition) => until(async () => condition(await store.read('AAPL', seconds)), { every: 100, detail: () => JSON.stringify(bars(1)) + recorder.log });
  return { at, broker, recorder, client, gateway, say, ticks, kept, bars, soon };
}

const seqs = (answer) => answer.ticks.map((q) => q.seq);
const bar = (t, o, h, l, c) => ({ t, o, h, l, c, v: 0 });

describe('ticks and corrections', { concurrency: 3 }, () => {
  for (const kind of STORES) {
    test(`a reader that missed ticks gets exactly those (${kind})`, async (t) => {
      const { at, say, ticks, kept, recorder } = await setUp(t, { kind });
      const all = Array.from({ length: 20 }, (_, i) => quote('AAPL', i * 500, 189 + i / 100, 4701 + i, { volume: 1000 + i }));
      await say(...all, quote('MSFT', 0, 400, 4712));
      await kept(20);
      const missed = await ticks('from_seq=4712&to_seq=4719');
      assert.deepEqual(missed, { s: 'ok', run: 1, missing: 0, ticks: all.slice(11, 19) });
      assert.deepEqual(seqs(await ticks(`from=${NOON + 9000}&to=${NOON + 9500}`)), [4719]);
      assert.deepEqual(seqs(await ticks(`from=${NOON + 9000}`)), [4719, 4720], 'one that was away asks by time');
      assert.deepEqual(await ticks('from_seq=4719&to_seq=4722'), { s: 'ok', run: 1, missing: 2, ticks: all.slice(18) });
      assert.deepEqual(seqs(await ticks('from_seq=4800&to_seq=4801')), []);
      const { stdout } = await runRecorder(t, ['export', '-', '--store', at, '--resolution', 'tick', '--symbol', 'AAPL']);
      const lines = all.map((q) => `${q.timestamp},AAPL,${q.price},${q.volume},1,${q.seq}`);
      assert.deepEqual(stdout.trim().split('\n'), ['time,symbol,price,day_volume,run,seq', ...lines]);

      await say(quote('AAPL', 20_000, 190, 1), quote('AAPL', 20_500, 191, 2)); // the publisher begins anew
      await until(async () => (await ticks('from_seq=1')).run === 2);
      assert.deepEqual(seqs(await ticks('from_seq=1&to_seq=9')), [1, 2]);
      assert.deepEqual(seqs(await ticks('from_seq=4720&run=1')), [4720]);
      await recorder.kill();
      await recorder.start();
      await say(quote('AAPL', 21_000, 192, 3));
      await until(async () => seqs(await ticks('from_seq=1')).length === 3);
      assert.equal((await ticks('from_seq=1')).run, 2, 'a restart of the recorder begins no run');
    });

    test(`a price taken back leaves its bars, whether ticks are kept or not (${kind})`, async (t) => {
      for (const args of [['--ticks', '1'], []]) {
        const { say, bars, soon, recorder } = await setUp(t, { kind, args });
        const q = (ms, price, seq, more) => quote('AAPL', ms, price, seq, more);
        await say(q(0, 100, 1), q(1000, 101, 2), q(1500, 999, 3), q(61_000, 102, 4), q(62_000, 1, 5), q(62_000, 103, 6));
        await soon(1, (all) => all.length === 4);
        // The third quote said 999 and should have said 101.5; the fifth was none.
        await say(q(63_000, 104, 7, { corrects: NOON + 1500, wrong: 999, right: 101.5 }));
        await say(q(64_000, 104.5, 8, { corrects: NOON + 62_000, wrong: 1 }));
        await soon(60, (all) => all[0].h === 101.5 && all[1]?.l === 102);
        assert.deepEqual(bars(1), [
          bar(S, 100, 100, 100, 100),
          bar(S + 1, 101, 101.5, 101, 101.5),
          bar(S + 61, 102, 102, 102, 102),
          bar(S + 62, 103, 103, 103, 103),
          bar(S + 63, 104, 104, 104, 104),
          bar(S + 64, 104.5, 104.5, 104.5, 104.5),
        ]);
        assert.deepEqual(bars(60), [bar(S, 100, 101.5, 100, 101.5), bar(S + 60, 102, 104.5, 102, 104.5)]);
        for (const seconds of [300, 900, 3600, 86400]) assert.deepEqual(bars(seconds).map(({ o, h, l, c }) => [o, h, l, c]), [[100, 104.5, 100, 104.5]]);
        await say(q(65_000, 105, 9)); // and the bars go on from there
        await soon(60, (all) => all[1].h === 105);
        assert.deepEqual(bars(60)[1], bar(S + 60, 102, 105, 102, 105));
        await recorder.stop();
      }
    });
  }

  test('a correction of what is not kept is counted and changes nothing', async (t) => {
    const { say, bars, client, kept, ticks, soon, recorder } = await setUp(t);
    await say(quote('AAPL', 0, 100, 1));
    await kept(1);
    await say(quote('AAPL', 1000, 101, 2, { corrects: NOON - 3_600_000, wrong: 50, right: 60 }));
    await say(quote('AAPL', 2000, 101, 3, { corrects: NOON, wrong: 99, right: 60 }));
    await say(quote('AAPL', 3000, 102, 4, { corrects: NOON + 2000, wrong: 101, right: 103 })); // of one that is
    await soon(60, (all) => all[0].h === 103);
    assert.deepEqual(bars(60), [bar(S, 100, 103, 100, 102)]);
    await recorder.stop();
    await client.until(() => client.messages.at(-1)?.json.state === 'offline');
    const { corrected, uncorrected } = client.messages.at(-1).json;
    assert.deepEqual({ corrected, uncorrected }, { corrected: 1, uncorrected: 2 });
    assert.equal((await ticks('from_seq=1')).ticks[0].price, 100);
  });

  test('what Alpaca takes back arrives at the bars', async (t) => {
    const { broker, bars, ticks, soon } = await setUp(t);
    const alpaca = await AlpacaStandIn.start(t);
    const env = { APCA_API_KEY_ID: 'key', APCA_API_SECRET_KEY: 'secret' };
    Publisher.start(t, broker, { feed: 'alpaca', symbols: ['AAPL'], args: ['--alpaca-url', alpaca.url, '--alpaca-ws-url', alpaca.wsUrl], env });
    await until(() => alpaca.set.has('AAPL'));
    const now = Date.now() - 2000;
    const trade = (i, p, ms) => ({ T: 't', S: 'AAPL', i, x: 'K', p, s: 100, c: ['@'], z: 'C', t: new Date(now + ms).toISOString() });
    for (const [i, p, ms] of [[1, 100, 0], [2, 103, 10], [3, 101, 20]]) {
      alpaca.say(trade(i, p, ms));
      await until(async () => (await ticks('from_seq=1')).ticks?.length >= i);
    }
    alpaca.say({ T: 'x', S: 'AAPL', i: 2, x: 'K', p: 103, s: 100, a: 'C', z: 'C', t: new Date().toISOString() });
    await soon(60, (all) => all.every((b) => b.h === 101));
    assert.deepEqual([...new Set((await ticks('from_seq=1')).ticks.map((q) => q.price))].sort(), [100, 101]);
  });

  test('where nothing is kept, or too much is asked for, the answer says what to do', async (t) => {
    const { say, gateway, bars, soon } = await setUp(t, { args: [] });
    await say(quote('AAPL', 0, 100, 1));
    await soon(60, (all) => all.length === 1);
    const cases = [
      ['symbol=AAPL&from_seq=1', 404, /--ticks/],
      ['symbol=NOBODY&from_seq=1', 404, /No ticks are kept/],
      ['symbol=AAPL', 400, /either from_seq/],
      [`symbol=AAPL&from_seq=1&from=${NOON}`, 400, /either from_seq/],
      ['from_seq=1', 400, /which symbol/],
      ['symbol=AAPL&from_seq=5&to_seq=4', 400, /to_seq/],
      ['symbol=AAPL&from_seq=1&to_seq=10001', 400, /to_seq/],
      ['symbol=AAPL&from_seq=-1', 400, /from_seq/],
      [`symbol=AAPL&from=${S}`, 400, /from is to be/],
    ];
    for (const [query, status, words] of cases) {
      const response = await gateway.get(`/api/ticks?${query}`);
      assert.equal(response.status, status, query);
      const body = await response.json();
      assert.match(body.detail, words, query);
      assert.deepEqual([body.s, body.errmsg], ['error', body.detail], 'as chart libraries read it');
    }
  });
});
