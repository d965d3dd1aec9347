// A phone whose network comes and goes at random moments, for as many runs as DORBANK_SOAK_RUNS says. Every run prints
// its seed; DORBANK_SOAK_SEED repeats one.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, test } from 'node:test';
import { inputs } from './lib/database.mjs';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { Reliability } from './lib/reliability.mjs';
import { Server } from './lib/server.mjs';
import { exactlyOnce, joined, lostOrTwice, ofPhone } from './lib/story.mjs';

/** A small generator of repeatable numbers in [0, 1) (mulberry32). @param {number} seed */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const runs = Number(process.env.DORBANK_SOAK_RUNS ?? 10);
const ROUTES = [/^POST \/sync\/v1\/push/, /^POST \/sync\/v1\/pull/, /^POST \/inputs\/v1/];
const KINDS = /** @type {const} */ (['cut', 'drop', 'repeat', 'truncate']);

const told = new Reliability('browsers-soak', 'A phone in a browser whose network comes and goes', 'Chromium against the release build, a seed for each run. Again with `DORBANK_SOAK_RUNS=10 node --test tests/e2e/soak.mjs`.');
after(() => told.write());

for (let run = 0; run < runs; run += 1) {
  const seed = Number(process.env.DORBANK_SOAK_SEED ?? randomInt(1 << 30));
  test(`run ${run + 1} of ${runs}, seed ${seed}`, { timeout: 300_000 }, async () => {
    const roll = dice(seed);
    const server = await Server.start();
    const page = await ChromiumPage.open();
    try {
      const before = await inputs(server.database);
      const { volunteer, sign } = await joined(server, page);
      let [noted, sealed, struck] = [0, 0, 0];
      for (let step = 0; step < 25; step += 1) {
        const turn = roll();
        if (turn < 0.7) struck += 1;
        if (turn < 0.25) server.proxy.strike({ route: ROUTES[Math.floor(roll() * ROUTES.length)], kind: KINDS[Math.floor(roll() * KINDS.length)], bytes: 30 });
        else if (turn < 0.4) await server.proxy.cut();
        else if (turn < 0.55) await server.proxy.open();
        else if (turn < 0.62) await page.reload();
        else if (turn < 0.66) await page.restart(server.origin + volunteer.turf);
        else if (turn < 0.7) { await server.kill(); await server.up(); }
        else {
          await volunteer.toTurf();
          const names = await volunteer.openEntrance(0, 1);
          if (turn < 0.78) { await volunteer.conversation(names[0], `Setning ${step}`); sealed += 1; } else await volunteer.notHome(names[0]);
          noted += 1;
        }
      }
      server.proxy.heal();
      await server.proxy.open();
      const figures = await volunteer.endShift();
      exactlyOnce(await ofPhone(server, sign), figures.here);
      const now = await inputs(server.database);
      assert.equal(figures.sealed, sealed);
      assert.deepEqual([now.spool - before.spool, now.spent - before.spent], [sealed, sealed]);
      told.add('Cuts, restarts and kills at random', 'requests cut, lost, repeated and cut short; no network; the page and the browser started anew; the server killed', struck, await lostOrTwice(server, [sign], { visits: noted, inputs: sealed }, before));
    } finally {
      await page.close();
      await server.stop();
    }
  });
}
