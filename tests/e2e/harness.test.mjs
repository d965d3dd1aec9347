// The harness itself: each engine can be driven through what the app needs (a service worker, a strict write, a reload
// with the server gone, a restart), and the proxy's faults are what they say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosen, ENGINES } from './lib/engines/all.mjs';
import { LOGIN_PAGE, Proxy } from './lib/proxy.mjs';
import { tinySite } from './lib/tiny.mjs';
import { until } from './lib/wait.mjs';

for (const name of chosen) {
  test(`${name} keeps a cached shell and a strict write while the server is gone`, { timeout: 90_000 }, async () => {
    const site = await tinySite();
    const proxy = await new Proxy(site.origin).open();
    const page = await ENGINES[name].open();
    try {
      await page.goto(`${proxy.origin}/field/`);
      await page.sees('Klar 0');
      // WebKitGTK's small browser has a toolbar that does not let its window be narrower.
      const width = await page.evaluate(() => innerWidth);
      assert.ok(name === 'webkit' ? width <= 480 : width === 360, `${width} px wide`);
      await proxy.cut();
      await page.reload();
      await page.sees('Klar 0');
      await page.fill('Setning', 'Bussen går for sjelden, sa hun på øya');
      await page.click('checkbox', 'Skole');
      assert.equal(await page.evaluate(() => document.querySelector('#c').checked), true);
      await page.click('button', 'Lagre');
      await page.sees('Lagret 1');
      await page.reload();
      await page.sees('Klar 1');
      if (page.canRestart) {
        await page.restart(`${proxy.origin}/field/`);
        await page.sees('Klar 1');
      }
      await proxy.open();
      await page.reload();
      await page.sees('Klar 1');
      assert.equal(await page.evaluate((n) => Promise.resolve(n + 1), 1), 2);
    } finally {
      await page.close();
      await proxy.cut();
      await site.close();
    }
  });
}

test('the proxy cuts, drops, repeats, answers and truncates', { timeout: 30_000 }, async () => {
  const site = await tinySite();
  const proxy = await new Proxy(site.origin).open();
  const ask = (path = '/boot.js') => fetch(proxy.origin + path);
  const whole = await (await ask()).text();
  proxy.strike({ route: /boot/, kind: 'cut' });
  await assert.rejects(ask());
  proxy.strike({ route: /boot/, kind: 'drop' });
  await assert.rejects(ask());
  let called = 0;
  proxy.strike({ route: /boot/, kind: 'call', run: () => { called += 1; } });
  await assert.rejects(ask());
  assert.equal(called, 1);
  proxy.strike({ route: /boot/, kind: 'repeat' });
  assert.equal(await (await ask()).text(), whole);
  proxy.strike({ route: /boot/, kind: 'answer', body: LOGIN_PAGE, times: 2 });
  assert.equal((await ask()).headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(await (await ask()).text(), LOGIN_PAGE);
  proxy.strike({ route: /boot/, kind: 'answer', status: 502 });
  assert.equal((await ask()).status, 502);
  proxy.strike({ route: /boot/, kind: 'truncate', bytes: 20 });
  await assert.rejects(ask().then((answer) => answer.text()));
  let release = () => {};
  proxy.strike({ route: /boot/, kind: 'delay', release: new Promise((done) => { release = () => done(undefined); }) });
  const waiting = ask();
  await until('the delayed request', () => proxy.pending === 0);
  assert.equal((await ask()).status, 200);
  release();
  assert.equal((await waiting).status, 200);
  assert.equal(proxy.pending, 0);
  await proxy.cut();
  await assert.rejects(ask());
  await proxy.open();
  assert.equal((await ask()).status, 200);
  await proxy.cut();
  await site.close();
});
