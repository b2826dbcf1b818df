import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contrast, readable } from '../src/store/contrast';
import * as storage from '../src/store/storage';
import { exportText, FILE_MAX, importText, symbolsOf, type Everything } from '../src/store/transfer';

const EVERYTHING: Everything = {
  settings: { ...storage.DEFAULT_SETTINGS, theme: 'light', palette: 'own', ownColours: { up: '#123456', down: '#abcdef' } },
  lists: { active: 'list-1', lists: [{ id: 'list-1', name: 'Mine', symbols: ['AAPL', 'BTC/USD'] }] },
  alerts: { alerts: [{ id: 1, symbol: 'AAPL', kind: 'move', value: 2, minutes: 5, rangAt: 0 }], fired: [{ at: 5, symbol: 'AAPL', text: 'x' }] },
};

test('what is exported comes back as it was', () => {
  assert.deepEqual(importText(exportText(EVERYTHING)), { kind: 'everything', parts: EVERYTHING });
});

test('a file that is not ours is refused, with the reason', () => {
  const why = (text: string) => {
    const found = importText(text);
    assert.equal(found.kind, 'refused', text.slice(0, 60));
    return found.kind === 'refused' ? found.why : '';
  };
  assert.match(why('x'.repeat(FILE_MAX + 1)), /larger than 1 MB/);
  assert.match(why('{"tapecast":"page"'), /damaged/);
  assert.match(why('[1,2]'), /not one that this page exported/);
  assert.match(why('{"lists":[]}'), /not one that this page exported/);
  assert.match(why('{"tapecast":"page","version":"2","lists":{}}'), /which version/);
  assert.match(why('{"tapecast":"page","version":999,"lists":{}}'), /version 999/);
  assert.match(why('{"tapecast":"page","version":2}'), /neither/);
  assert.match(why('   \n'), /no symbol/);
  assert.match(why('PK\u0003\u0004\u0000\u0000'), /no text/);
});

test('hostile fields of a file are left out or set to the default', () => {
  const text = JSON.stringify({
    tapecast: 'page', version: 2,
    settings: { theme: 'constructor', columns: ['__proto__', 'last'], ownColours: { up: 'red;}', down: 7 }, selected: {}, flash: 'no' },
    lists: { active: 'x', lists: [null, 7, { id: 'a', name: '<b>\u202eN</b>', symbols: ['A', 5, 'B'.repeat(65), 'A', 'C\u202e'] }, { id: 'a', name: 'twice', symbols: [] }, ...Array(100).fill({ id: 'z', name: 'Z', symbols: ['Z'] })] },
    alerts: { alerts: [{ id: 1, symbol: 'A', kind: 'above', value: -5, minutes: 0, rangAt: 0 }, { id: '1' }, 'x'], fired: [{}] },
  }).replace('"settings"', '"__proto__":{"polluted":1},"settings"');
  const found = importText(text);
  assert.ok(found.kind === 'everything');
  assert.deepEqual(found.parts.settings, { ...storage.DEFAULT_SETTINGS, columns: ['symbol', 'last'] });
  assert.deepEqual(found.parts.lists?.lists.map((l) => [l.name, l.symbols]), [['<b>N</b>', ['A']], ['Z', ['Z']]]);
  assert.deepEqual(found.parts.alerts, { alerts: [], fired: [] });
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('symbols are found in lists, lines and tables', () => {
  const symbols = (text: string) => symbolsOf(text).symbols.join(' ');
  assert.equal(symbols('aapl\nmsft\n\nBRK.B\n'), 'AAPL MSFT BRK.B');
  assert.equal(symbols('AAPL, MSFT; BTC/USD'), 'AAPL MSFT BTC/USD');
  assert.equal(symbols('Symbol\nAAPL\nMSFT'), 'AAPL MSFT');
  assert.equal(symbols('\ufeffDate,Ticker,Shares\r\n2024-01-02,AAPL,10\r\n2024-01-03,"BRK.B",5\r\n'), 'AAPL BRK.B');
  assert.equal(symbols('AAPL,189.45,100\nMSFT,400.10,5'), 'AAPL MSFT');
  assert.equal(symbols('AAPL,MSFT\nNVDA,TSLA'), 'AAPL MSFT NVDA TSLA');
  assert.equal(symbols('# mine\nAAPL'), 'AAPL');
});

test('names come with symbols, without their entities', () => {
  const { names } = symbolsOf('AAPL\tApple Inc.\nMCD\tMcDonald&#39;s &amp; Co\nX\t');
  assert.deepEqual([...names], [['AAPL', 'Apple Inc.'], ['MCD', "McDonald's & Co"]]);
});

class FakeStore implements storage.Store {
  readonly items = new Map<string, string>();
  getItem(key: string) { return this.items.get(key) ?? null; }
  setItem(key: string, value: string) { this.items.set(key, value); }
}

test('what an older page stored is brought up to date', () => {
  const store = new FakeStore();
  store.setItem('tapecast.alerts', '{"version":1,"alerts":[{"id":3,"symbol":"AAPL","kind":"above","price":110,"rangAt":0}]}');
  store.setItem('tapecast.settings', '{"version":1,"theme":"light","panel":"heat"}');
  assert.deepEqual(storage.loadAlerts(store), { alerts: [{ id: 3, symbol: 'AAPL', kind: 'above', value: 110, minutes: 0, rangAt: 0 }], fired: [] });
  assert.deepEqual([storage.loadSettings(store).theme, storage.loadSettings(store).panel], ['light', 'heat']);
});

test('what a newer page stored is set aside, not lost', () => {
  const store = new FakeStore();
  store.setItem('tapecast.lists', '{"version":99,"lists":"in a new way"}');
  assert.deepEqual(storage.loadLists(store), storage.DEFAULT_LISTS);
  storage.saveLists(store, storage.DEFAULT_LISTS);
  assert.equal(store.getItem('tapecast.lists.aside'), '{"version":99,"lists":"in a new way"}');
});

test('a colour that cannot be read is made so, and one that can is left alone', () => {
  for (const ground of ['#1c2231', '#e3edfd'])
    for (const colour of ['#000000', '#ffffff', '#ff0000', '#00ff00', '#0000ff', '#808080', '#26a69a'])
      assert.ok(contrast(readable(colour, ground), ground) >= 4.5, `${colour} on ${ground}`);
  assert.equal(readable('#35c7a4', '#1c2231'), '#35c7a4');
  assert.equal(contrast('#000000', '#ffffff'), 21);
});
