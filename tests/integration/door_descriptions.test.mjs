// docs/openapi.yaml and docs/asyncapi.yaml say what is so: each path answers as described, each example of a message
// is understood, each answer has the members that it must have.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';

import { RawJson } from '../support/checker.mjs';
import { Broker, Gateway, ROOT, mqttClient } from '../support/index.mjs';

const read = (name) => parse(readFileSync(path.join(ROOT, 'docs', name), 'utf8'), { merge: true });
const openapi = read('openapi.yaml');
const asyncapi = read('asyncapi.yaml');

/** Follow a `$ref` within `document`; one that leads nowhere fails. */
function resolve(document, item) {
  if (!item?.$ref) return item;
  const found = item.$ref.slice(2).split('/').reduce((at, key) => at?.[key], document);
  assert.ok(found, `${item.$ref} is there`);
  return resolve(document, found);
}

const suite = { after };
const broker = await Broker.start(suite);
const writer = await mqttClient(suite, broker.url);
const QUOTE = { symbol: 'AAPL', price: 189.45, change: 0.38, timestamp: 1712331900000, seq: 1, mode: 'demo' };
await writer.publish('stocks/AAPL', JSON.stringify(QUOTE), { qos: 1, retain: true });
const gateway = await Gateway.start(suite, broker);

async function ask(target) {
  const control = new AbortController();
  const answer = await gateway.get(target, { signal: control.signal });
  const type = answer.headers.get('content-type').split(';')[0];
  if (type === 'text/event-stream') control.abort(); // it has no end
  return { status: answer.status, type, answer };
}

for (const [where, { get }] of Object.entries(openapi.paths)) {
  test(`openapi: ${where} answers as described`, async () => {
    const parameters = (get.parameters ?? []).map((p) => resolve(openapi, p));
    const query = new URLSearchParams(parameters.filter((p) => p.example !== undefined).map((p) => [p.name, p.example]));
    const expect = (status, type) => {
      const described = resolve(openapi, get.responses[status]);
      assert.ok(described, `${status} is described`);
      assert.ok(Object.keys(described.content).includes(type), `${status} as ${type}`);
    };
    const { status, type, answer } = await ask(`${where}?${query}`);
    if (!get.responses[404]) assert.equal(status, 200); // what wants a store is not here
    expect(status, type);
    if (where === '/api/quotes')
      for (const quote of await answer.json())
        for (const name of Object.keys(quote)) assert.ok(openapi.components.schemas.Quote.properties[name], name);
    if (!get.responses[400]) return;
    const wrong = await ask(`${where}?max-rate=x&resolution=x`);
    expect(wrong.status, wrong.type);
    if (wrong.status === 200) return; // it takes no such parameter
    const problem = await wrong.answer.json();
    for (const name of openapi.components.schemas.Problem.required) assert.ok(name in problem, name);
  });
}

test('asyncapi: both addresses answer, every example is understood, every answer is described', async (t) => {
  const { messages } = asyncapi.components;
  for (const { address } of Object.values(asyncapi.channels)) {
    const raw = await RawJson.connect(t, gateway, { path: address });
    for (const [name, { examples = [] }] of Object.entries(messages))
      for (const { payload } of examples) {
        assert.equal(payload.action, name);
        raw.say(payload);
      }
    for (const wrong of ['{', {}, { action: 'subscribe', symbol: 5 }]) raw.say(wrong);
    await raw.sync();
    assert.ok(raw.quotes.length > 0);
    for (const answer of [...raw.said, ...raw.quotes.map((q) => ({ ...q, type: 'quote' }))]) {
      const { payload } = messages[answer.type];
      for (const member of payload.required) assert.ok(member in answer, `${answer.type}: ${member}`);
      if (answer.code) assert.ok(payload.properties.code.enum.includes(answer.code), answer.code);
    }
    assert.deepEqual([...new Set(raw.said.map((m) => m.code))].sort().filter(Boolean).slice(0, 3), ['auth_unavailable', 'bad_json', 'bad_symbol']);
  }
});

test('asyncapi: every reference leads somewhere', () => {
  const walk = (item) => {
    if (item === null || typeof item !== 'object') return;
    if (item.$ref) resolve(asyncapi, item);
    else Object.values(item).forEach(walk);
  };
  walk(asyncapi);
});
