// Which pages may read: origins, preflight, and who may show the dashboard in a frame.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Broker, Gateway, Program } from '../support/index.mjs';
import { signToken } from '../support/token.mjs';

const suite = { after };
const broker = await Broker.start(suite);
const SECRET = 'a secret of more than thirty-two bytes';
const OURS = 'https://page.example';
const API = 'https://api.example';
const gateway = await Gateway.start(suite, broker, {
  args: ['--origins', OURS, '--cors-origins', API, '--anonymous', 'none', '--frame-ancestors', 'https://frame.example'],
  env: { TAPECAST_JWT_SECRET: SECRET },
});

const preflight = (path, origin, at = gateway) =>
  at.get(path, { method: 'OPTIONS', headers: { Origin: origin, 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' } });

test('a page that is named may send a token, another may not', async () => {
  for (const [path, origin] of [['/api/quotes', OURS], ['/events', OURS], ['/api/history', API], ['/api/quotes', gateway.url]]) {
    const answer = await preflight(path, origin);
    assert.equal(answer.status, 204, `${path} ${origin}`);
    assert.equal(answer.headers.get('access-control-allow-origin'), origin);
    assert.match(answer.headers.get('access-control-allow-headers'), /Authorization.*Last-Event-ID/);
    assert.match(answer.headers.get('access-control-allow-methods'), /GET/);
    assert.equal(answer.headers.get('vary'), 'Origin');
    assert.equal(answer.headers.get('content-length'), null);
  }
  for (const [path, origin] of [['/api/quotes', 'https://evil.example'], ['/events', API], ['/api/quotes', 'null'], ['/apiary', API]]) {
    const answer = await preflight(path, origin);
    assert.equal(answer.status, 403, `${path} ${origin}`);
    assert.equal(answer.headers.get('access-control-allow-origin'), null);
  }
  assert.equal((await gateway.get('/api/quotes', { method: 'OPTIONS' })).status, 405, 'without an origin it is no preflight');
});

test('a page that may read is also told what is wrong', async () => {
  const read = (origin, headers) => gateway.get('/api/quotes', { headers: { Origin: origin, ...headers } });
  const bad = await read(OURS, { Authorization: 'Bearer no' });
  assert.equal(bad.status, 401);
  assert.equal(bad.headers.get('access-control-allow-origin'), OURS);
  assert.equal((await read('https://evil.example', { Authorization: 'Bearer no' })).headers.get('access-control-allow-origin'), null);
  const good = await read(OURS, { Authorization: `Bearer ${signToken({}, SECRET)}` });
  assert.equal(good.status, 200);
  assert.equal(good.headers.get('access-control-allow-origin'), OURS);
});

test('the dashboard is framed by its own site, and by those that are named', async (t) => {
  const policy = async (at) => (await at.get('/healthz')).headers.get('content-security-policy');
  assert.match(await policy(gateway), /frame-ancestors 'self' https:\/\/frame\.example$/);
  assert.match(await policy(await Gateway.start(t, broker)), /frame-ancestors 'self'$/);
  const wrong = new Program(t, 'tapecast-gateway', ['--frame-ancestors', '*; script-src *']).start();
  assert.equal((await wrong.exited()).code, 2);
  assert.match(wrong.log, /--frame-ancestors/);
});
