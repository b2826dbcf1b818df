// Every state at every size, in both themes, as pictures in build/pictures for a person to look through.
// PICTURE_TICKS=20000 waits for a fuller chart.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { Broker, Gateway, Publisher, ROOT, until } from '../support/index.mjs';
import { DASHBOARD, openPage, startBrowser } from '../support/page.mjs';

const FOLDER = path.join(ROOT, 'build', 'pictures');
const TICKS = Number(process.env.PICTURE_TICKS ?? 1500);
const SIZES = {
  desk: { viewport: { width: 1600, height: 900 } },
  small: { viewport: { width: 1024, height: 768 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

const browser = await startBrowser({ after });
mkdirSync(FOLDER, { recursive: true });

test('each state has a picture in each size and theme', async (t) => {
  const broker = await Broker.start(t);
  const gateway = await Gateway.start(t, broker, { web: DASHBOARD });
  const publisher = Publisher.start(t, broker, { args: ['--rate', '150'] });

  const pages = [];
  for (const [size, options] of Object.entries(SIZES))
    for (const colorScheme of ['dark', 'light']) {
      const dashboard = await openPage(t, browser, gateway, { ...options, colorScheme, mayFail: /WebSocket|ERR_CONNECTION/ });
      pages.push({ name: `${size}-${colorScheme}`, dashboard, isPhone: size === 'phone' });
    }
  const each = async (state, timeout) => {
    for (const { name, dashboard } of pages) {
      await dashboard.state(state, timeout);
      await take(dashboard, `${name}-${state.toLowerCase().replace(' ', '-')}`);
    }
  };

  await until(async () => (await pages[0].dashboard.messages()) > TICKS, { timeout: 240_000, what: `${TICKS} ticks` });
  await each('Live');
  for (const { name, dashboard, isPhone } of pages) {
    if (isPhone) await dashboard.page.locator('.row').first().tap();
    await dashboard.page.getByRole('button', { name: 'Heat map' }).click();
    await dashboard.page.locator('.heat canvas').waitFor();
    await take(dashboard, `${name}-heat-map`);
    if (isPhone) await dashboard.page.goBack();
  }
  publisher.freeze();
  await each('Stale', 15_000);
  publisher.thaw();
  await publisher.kill();
  await each('Feed down', 10_000);
  await broker.kill();
  await each('Broker down', 10_000);
  await gateway.kill();
  await each('Disconnected', 10_000);
});

function take(dashboard, name) {
  return dashboard.page.screenshot({ path: path.join(FOLDER, `${name}.png`) });
}
