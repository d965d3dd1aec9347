// The ready check is true: it says what is missing, and says "all" only when a start without a network would work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { Server } from './lib/server.mjs';
import { joined } from './lib/story.mjs';
import { words } from './lib/words.mjs';

const w = words('nb');

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
