// The page at a gateway that lets nobody in without a token.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Broker, Gateway, mqttClient, until } from '../support/index.mjs';
import { DASHBOARD, openPage, startBrowser } from '../support/page.mjs';
import { nowSeconds, signToken } from '../support/token.mjs';

const suite = { after };
const SECRET = 'a secret of more than thirty-two bytes';
const broker = await Broker.start(suite);
const writer = await mqttClient(suite, broker.url);
const quote = { symbol: 'AAPL', price: 189.45, prev_close: 189, timestamp: Date.now(), seq: 1, mode: 'demo' };
await writer.publish('stocks/AAPL', JSON.stringify(quote), { qos: 1, retain: true });
const gateway = await Gateway.start(suite, broker, {
  args: ['--web', DASHBOARD, '--anonymous', 'none'],
  env: { TAPECAST_JWT_SECRET: SECRET },
});
const browser = await startBrowser(suite);
const mayFail = /401|WebSocket/;
const open = (t, path = '/') => openPage(t, browser, gateway, { path, mayFail });
const shows = (page) => until(async () => (await page.locator('body').innerText()).includes('189.45'), { timeout: 15_000 });

test('a link brings a token, which leaves the address bar, serves requests too, and stays over a reload', async (t) => {
  const { page } = await open(t, `/#s=AAPL&token=${signToken({}, SECRET)}`);
  await shows(page);
  assert.doesNotMatch(page.url(), /token/);
  assert.match(page.url(), /s=AAPL/);
  const asked = page.waitForRequest((request) => request.url().includes('/api/'));
  await page.reload();
  await shows(page);
  assert.match((await asked).headers().authorization ?? '', /^Bearer /);
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('eyJ')), false);
});

test('without one the page asks, says what is wrong with one, and goes on with a good one', async (t) => {
  const { page } = await open(t);
  const form = page.getByTestId('token-form');
  await form.waitFor();
  assert.match(await form.innerText(), /lets nobody in without a token/);
  await form.locator('input').fill('rubbish');
  await form.getByRole('button').click();
  await until(async () => (await form.isVisible()) && /does not take this token/.test(await form.innerText()));
  await form.locator('input').fill(signToken({}, SECRET));
  await form.getByRole('button').click();
  await shows(page);
  assert.equal(await form.count(), 0);
});

test('when the token expires the page says so, and asks for another', async (t) => {
  const { page } = await open(t, `/#token=${signToken({ exp: nowSeconds() + 5 }, SECRET)}`);
  await shows(page);
  const form = page.getByTestId('token-form');
  await form.waitFor({ timeout: 15_000 });
  assert.match(await form.innerText(), /expired|does not take/);
});
