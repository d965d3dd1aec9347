// The ready check is true: it says what is missing, and says "all" only when a start without a network would work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { LOGIN_PAGE } from './lib/proxy.mjs';
import { Server } from './lib/server.mjs';
import { joined } from './lib/story.mjs';
import { until } from './lib/wait.mjs';
import { words } from './lib/words.mjs';

const w = words('nb');

test('a worker keeps no file that has other bytes than its hash says, and none of the others then', { timeout: 90_000 }, async () => {
  const server = await Server.start();
  const page = await ChromiumPage.open();
  try {
    for (const bad of [{ kind: 'answer', status: 200, body: LOGIN_PAGE }, { kind: 'shorten', bytes: 100 }]) {
      // Words that this page does not show: the worker alone asks for them, of the browser's cache and then of the network.
      server.proxy.strike({ route: /^GET \/assets\/words-nn/, times: Infinity, ...bad });
      await page.goto(`${server.origin}/field/`);
      await page.waitFor('the worker to be thrown away', async () => {
        const registration = await navigator.serviceWorker.getRegistration('/field/');
        return !registration?.installing && !registration?.waiting && !registration?.active;
      });
      await until('both tries', () => server.proxy.count(/^GET \/assets\/words-nn/) >= 2);
      assert.deepEqual(await page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith('app-'))), []);
      assert.equal(await page.evaluate(() => globalThis.dorbank.shellHeld()), false);
      server.proxy.heal();
      server.proxy.log.length = 0;
    }
    await page.goto(`${server.origin}/field/`);
    await page.waitFor('a shell that is held whole', () => globalThis.dorbank?.shellHeld?.(), undefined, { patience: 30_000 });
  } finally {
    await page.close();
    await server.stop();
  }
});

test('the ready check asks for what is missing and believes no cache that is not whole', { timeout: 90_000 }, async () => {
  const server = await Server.start();
  const page = await ChromiumPage.open();
  try {
    await joined(server, page);
    await page.goto(`${server.origin}/field/ready`);
    await page.sees(w.word('ready.persisted_do'));
    const protocol = await page.protocol();
    await protocol.send('Browser.grantPermissions', { origin: server.origin, permissions: ['durableStorage'] });
    // The answer to the tap takes the button away, so the tap itself may not see its own end.
    await page.click('button', w.word('ready.ask')).catch(() => {});
    await page.sees(w.word('ready.all'));
    await page.goto(`${server.origin}/field/`);
    assert.equal(await page.has({ role: 'link', name: w.word('ready.missing') }), false);
    // One byte of one file is another: the shell is not held.
    await page.evaluate(async () => {
      const cache = await caches.open((await caches.keys()).find((name) => name.startsWith('app-')));
      const [request] = (await cache.keys()).filter((one) => one.url.includes('words-nn'));
      await cache.put(request, new Response('{}', { headers: { 'content-type': 'application/json' } }));
    });
    await page.goto(`${server.origin}/field/ready`);
    await page.sees(w.word('ready.shell_do'));
    assert.equal((await page.text()).includes(w.word('ready.all')), false);
  } finally {
    await page.close();
    await server.stop();
  }
});
