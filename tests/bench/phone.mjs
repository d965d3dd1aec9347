// What a volunteer feels, on a processor four times slower: a cold start without a network, and a tap until it is durable.
import { ChromiumPage } from '../e2e/lib/engines/chromium.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { joined } from '../e2e/lib/story.mjs';
import { words } from '../e2e/lib/words.mjs';
import { median, quantile, round, size, spread } from './lib/figures.mjs';

export const name = 'phone';
const SLOWER = 4;
/** Runs of their own: a fresh server, browser, profile and phone. What differs between them is the noise that counts. */
const RUNS = size('PHONE_RUNS', 5);
/** In each run. */
const STARTS = size('STARTS', 2);
const TAPS = size('TAPS', 120);

export const about = `cold offline start (${STARTS} in a run) and tap to durable write (${TAPS} in a run) on a processor ${SLOWER} times slower, ${RUNS} runs, each with a server, a browser and a phone of its own`;
const w = words('nb');

/** @param {ChromiumPage} page */
async function slowDown(page) {
  const protocol = await page.protocol();
  await protocol.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  return protocol;
}

/** Runs in the page before anything else: notes when the list can be used, which is when it has been painted. */
export function watchList() {
  const look = () => {
    const link = document.querySelector('a[href^="/field/entrance/"]');
    if (!link || link.getClientRects().length === 0) return void requestAnimationFrame(look);
    requestAnimationFrame(() => { globalThis.listUsableAt = performance.now(); });
  };
  look();
}

/** Runs in the page: notes how long each tap takes until the screen shows the tick, which it does after the write. */
function watchTaps(start) {
  globalThis.tapTimes = [];
  let begun = null;
  addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button && (button.getAttribute('aria-label') ?? button.textContent).startsWith(start)) begun = { at: event.timeStamp, button };
  }, true);
  // The button goes when the tick comes. Asking for more than that would slow down what is measured.
  new MutationObserver(() => {
    if (!begun || begun.button.isConnected) return;
    globalThis.tapTimes.push(performance.now() - begun.at);
    begun = null;
  }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}

/** @param {{ starts: number, taps: number }} wanted @returns {Promise<{ starts: number[], taps: number[] }>} milliseconds */
async function phone({ starts, taps }) {
  const server = await Server.start();
  const page = await ChromiumPage.open();
  try {
    const { volunteer } = await joined(server, page);
    await server.proxy.cut();
    const startTimes = [];
    for (let run = 0; run < starts; run += 1) {
      await page.restart('about:blank');
      await page.context.addInitScript(watchList);
      await slowDown(page);
      await page.goto(server.origin + volunteer.turf);
      startTimes.push(await page.waitFor('a usable list', () => globalThis.listUsableAt));
      startTimes[run] = await page.evaluate(() => globalThis.listUsableAt);
    }
    await page.restart(server.origin + volunteer.turf);
    const names = await volunteer.openEntrance(0, 4);
    await slowDown(page);
    const start = w.word('door.not_home_at', { door: '' });
    await page.evaluate(watchTaps, start);
    // Tapped and taken back in turn, so that one entrance gives as many taps as are wanted.
    for (let tap = 0; tap < taps; tap += 1) {
      const door = names[tap % names.length];
      await volunteer.notHome(door);
      await volunteer.undo(door);
    }
    return { starts: startTimes, taps: await page.evaluate(() => globalThis.tapTimes) };
  } finally {
    await page.close();
    await server.stop();
  }
}

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const runs = [];
  for (let at = 0; at < RUNS; at += 1) runs.push(await phone({ starts: STARTS, taps: TAPS }));
  const starts = runs.flatMap((each) => each.starts);
  report.figure({ name: `cold offline start to a usable list, processor ${SLOWER} times slower`, value: round(median(starts)), unit: 'ms', baseline: 1500, atMost: 1, bar: 'at most 1 500', noise: spread(starts) });
  const slow = runs.map((each) => quantile(each.taps, 0.95));
  const usual = runs.map((each) => median(each.taps));
  report.figure({
    name: `tap to durable write, p95, processor ${SLOWER} times slower`, value: round(median(slow), 1), unit: 'ms', baseline: 50, atMost: 1, bar: 'at most 50',
    noise: `p95 of each run ${spread(slow, 1)}; median of each run ${spread(usual, 1)}; ${runs[0].taps.length} taps a run`,
  });
}
