// The whole path, on each engine; in Chromium on both databases, and on to the committee.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosen, ENGINES } from './lib/engines/all.mjs';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { signIn } from './lib/lead.mjs';
import { Server } from './lib/server.mjs';
import { joined, wholePath } from './lib/story.mjs';
import { words } from './lib/words.mjs';

/** @param {Server} server */
async function committeeSees(server) {
  await server.command('mix');
  await server.command("release", "freeze");
  const db = server.database;
  const open = await db.rows("SELECT DISTINCT area FROM release_cell WHERE band = 'exact' AND area <> '*'");
  const closed = await db.rows("SELECT DISTINCT area FROM release_cell WHERE band = 'closed'");
  assert.ok(open.length > 0, 'some area is open');
  assert.ok(closed.length > 0, 'some area waits for more conversations');
  const name = await db.one("SELECT name FROM officer WHERE role = 'committee' ORDER BY name LIMIT 1");
  const w = words('nb');
  const page = await ChromiumPage.open({ phone: false, viewport: { width: 1100, height: 900 } });
  try {
    await signIn(page, server.origin, name);
    await page.goto(`${server.origin}/programme`);
    await page.sees(w.word('programme.title'));
    await page.sees(w.word('programme.closed'));
    await page.goto(`${server.origin}/programme?area=${open[0].area}`);
    await page.sees(w.word('programme.col.topic'));
    await page.sees(w.word('programme.reach.doors'));
  } finally {
    await page.close();
  }
}

if (chosen.includes('chromium')) {
  for (const engine of /** @type {const} */ (['sqlite', 'postgres'])) {
    test(`chromium walks the whole path without a network, and ${engine} has everything once`, { timeout: 180_000 }, async () => {
      const server = await Server.start({ engine });
      const page = await ChromiumPage.open();
      try {
        await wholePath(server, page);
        await committeeSees(server);
      } finally {
        await page.close();
        await server.stop();
      }
    });
  }
}

for (const name of chosen.filter((one) => one !== 'chromium')) {
  const without = name === 'webkit' ? ' (but for the browser restart, which it cannot do when driven)' : '';
  test(`${name} walks the same path${without}`, { timeout: 180_000 }, async () => {
    const server = await Server.start();
    const page = await ENGINES[name].open();
    try {
      await wholePath(server, page);
    } finally {
      await page.close();
      await server.stop();
    }
  });
}

if (chosen.includes('webkit')) {
  test('webkit: a page that is left while it reads does not lock the phone\'s storage', { timeout: 120_000 }, async () => {
    const server = await Server.start();
    const page = await ENGINES.webkit.open();
    try {
      const { volunteer } = await joined(server, page);
      // The app begins to read at some moment after a load; each round leaves it a little later.
      for (let round = 0; round < 12; round += 1) {
        await page.goto(server.origin + (volunteer.turf ?? '/field/'));
        await page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), round * 8);
        await page.reload();
      }
      const [door] = await volunteer.openEntrance(0, 1);
      await volunteer.notHome(door);
    } finally {
      await page.close();
      await server.stop();
    }
  });
}
