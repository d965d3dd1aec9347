// The core that every engine must pass: join, be admitted, lose the network, work, reload, start the browser again,
// get the network back, and find everything on the server exactly once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { doorWork, inputs } from './database.mjs';
import { Lead } from './lead.mjs';
import { SITE } from './paths.mjs';
import { Volunteer } from './volunteer.mjs';

/**
 * Joins and is admitted, with the network.
 * @param {import('./server.mjs').Server} server @param {import('./page.mjs').Page} page
 */
export async function joined(server, page, turf = 0) {
  const lead = await Lead.signIn(server);
  try {
    const volunteer = new Volunteer(page, server.origin);
    const sign = await volunteer.join(await lead.code());
    await lead.admit(sign, turf);
    await volunteer.admitted();
    await volunteer.readyForOffline();
    return { volunteer, sign, shift: lead.shift };
  } finally {
    await lead.close();
  }
}

/**
 * Opens the app in another tab of the same phone, where the first one is.
 * @param {import('./server.mjs').Server} server @param {import('./page.mjs').Page} page
 */
export async function anotherTab(server, page) {
  const other = await page.tab();
  await other.goto(await page.evaluate(() => location.href));
  const second = new Volunteer(other, server.origin);
  await second.untouched();
  return { other, second };
}

/** What the phone of this sign did, from the database. @param {import('./server.mjs').Server} server @param {string} sign */
export async function ofPhone(server, sign) {
  const db = server.database;
  const device = await db.one(`SELECT ${db.hex('id')} AS id FROM device WHERE sign = '${sign}' AND state = 'admitted' ORDER BY joined_at DESC LIMIT 1`);
  const work = await doorWork(db);
  return {
    visits: work.visits.filter((visit) => visit.device === device),
    receipts: work.receipts.filter((receipt) => receipt.device === device),
    quarantined: work.quarantined - server.keptAtStart,
  };
}

/**
 * What is nowhere of what a phone had said was saved, and what is there more than once: reckoned from what the database
 * holds, with what was set aside for the organiser.
 * @param {import('./server.mjs').Server} server @param {string[]} signs the phone's, one for each time that it joined
 * @param {{ visits: number, inputs?: number }} saved as the phone said
 * @param {Awaited<ReturnType<typeof inputs>>} [before] the inputs that were there before
 */
export async function lostOrTwice(server, signs, saved, before) {
  const db = server.database;
  const devices = [];
  // Of two phones with one sign, the later one is meant. A phone that was copied counts on under an identity of its own.
  for (const sign of signs) {
    const device = await db.one(`SELECT ${db.hex('id')} AS id FROM device WHERE sign = '${sign}' ORDER BY joined_at DESC LIMIT 1`);
    const others = await db.rows(`SELECT ${db.hex('id')} AS id FROM device WHERE ${db.hex('renewed_from')} = '${device}'`);
    devices.push(device, ...others.map(({ id }) => id));
  }
  // A list that is never empty.
  const among = `(${['nobody', ...devices].map((id) => `'${id}'`).join()})`;
  const count = async (/** @type {string} */ sql) => Number(await db.one(`SELECT COUNT(*) AS n FROM ${sql}`));
  const setAside = await count(`quarantine WHERE ${db.hex('device')} IN ${among} AND kind = 'visit' AND settled_at IS NULL`);
  const there = setAside + await count(`visit WHERE ${db.hex('device')} IN ${among}`);
  // Nobody but this phone was at its doors, so that one visit stands at each.
  const crowded = await count(`(SELECT v.campaign FROM visit v JOIN (SELECT DISTINCT campaign, entrance, unit FROM visit WHERE ${db.hex('device')} IN ${among}) d
    ON v.campaign = d.campaign AND v.entrance = d.entrance AND (v.unit = d.unit OR v.unit IS NULL AND d.unit IS NULL)
    WHERE v.superseded_by IS NULL GROUP BY v.campaign, v.entrance, v.unit HAVING COUNT(*) > 1) crowded`);
  const spooled = before ? (await inputs(db)).spool - before.spool : 0;
  const missing = { visits: saved.visits - there, inputs: (saved.inputs ?? 0) - spooled };
  return {
    lost: Math.max(0, missing.visits) + Math.max(0, missing.inputs),
    duplicated: Math.max(0, -missing.visits, crowded) + Math.max(0, -missing.inputs),
  };
}

/**
 * Every counter from 1 to `noted` was answered exactly once, and nothing else was stored.
 * @param {Awaited<ReturnType<typeof ofPhone>>} phone @param {number} noted
 */
export function exactlyOnce(phone, noted) {
  const counters = phone.receipts.map((receipt) => Number(receipt.device_seq)).sort((a, b) => a - b);
  assert.deepEqual(counters, Array.from({ length: noted }, (_, index) => index + 1), 'a receipt for each counter, once');
  assert.equal(new Set(phone.visits.map((visit) => visit.id)).size, phone.visits.length, 'no visit twice');
  assert.equal(phone.quarantined, 0, 'nothing came into quarantine');
}

/**
 * A phone that is in, ready, and at an entrance with doors; what `work` did is then on the server exactly once.
 * @param {import('./server.mjs').Server} server @param {import('./page.mjs').Page} page
 * @param {(at: { page: any, volunteer: Volunteer, names: string[], sign: string }) => Promise<unknown>} work
 */
export async function onPhone(server, page, turf, doors, work) {
  try {
    const { volunteer, sign } = await joined(server, page, turf);
    const names = await volunteer.openEntrance(0, doors);
    await work({ page, volunteer, names, sign });
    server.proxy.heal();
    await server.proxy.open();
    const figures = await volunteer.endShift();
    const found = await ofPhone(server, sign);
    exactlyOnce(found, figures.here);
    return { figures, found, sign };
  } finally {
    server.proxy.heal();
    await server.proxy.open();
    await page.close();
  }
}

/**
 * The server has another build, the browser finds it, and it waits.
 * @param {import('./server.mjs').Server} server @param {import('./page.mjs').Page} page @param {string} build
 */
export async function newBuild(server, page, build) {
  const worker = readFileSync(`${SITE}/field/sw.js`, 'utf8').replace(/BUILD="[^"]*"/, `BUILD="${build}"`);
  server.proxy.strike({ route: /^GET \/field\/sw\.js/, kind: 'answer', status: 200, body: worker, headers: { 'content-type': 'text/javascript', 'cache-control': 'no-cache' }, times: Infinity });
  await page.evaluate(async () => { await (await navigator.serviceWorker.getRegistration('/field/')).update(); });
  await page.waitFor('the new build to wait', async () => Boolean((await navigator.serviceWorker.getRegistration('/field/')).waiting), undefined, { patience: 20_000 });
}

/** How often each outcome was stored. @param {{ outcome: string }[]} visits */
export function tally(visits) {
  /** @type {Record<string, number>} */
  const all = {};
  for (const visit of visits) all[visit.outcome] = (all[visit.outcome] ?? 0) + 1;
  return all;
}

/**
 * The whole path.
 * @param {import('./server.mjs').Server} server @param {import('./page.mjs').Page} page
 */
export async function wholePath(server, page) {
  const before = await inputs(server.database);
  const { volunteer, sign } = await joined(server, page);

  await server.proxy.cut();
  await page.reload();
  await volunteer.toTurf();

  const doors = await volunteer.openEntrance(0, 5);
  await volunteer.notHome(doors[0]);
  await volunteer.notHome(doors[1]);
  await volunteer.undo(doors[1]);
  await volunteer.note(doors[1], 'declined');
  await volunteer.conversation(doors[2], 'Det går for få busser om kvelden, særlig i helga.');

  // Nothing that was noted may hang on the page or the browser staying alive.
  await page.reload();
  if (page.canRestart) await page.restart(server.origin + (volunteer.turf ?? '/field/'));
  await volunteer.toTurf();
  const more = await volunteer.openEntrance(0, 1);
  await volunteer.notHome(more[0]);

  await server.proxy.open();
  const figures = await volunteer.endShift();
  assert.equal(figures.sealed, 1, 'one input was sealed');
  assert.equal(figures.acknowledged, 1, 'and acknowledged');
  assert.equal(figures.here, figures.held, 'the server holds what was noted here');

  const phone = await ofPhone(server, sign);
  exactlyOnce(phone, Math.max(...phone.receipts.map((receipt) => Number(receipt.device_seq))));
  const counted = tally(phone.visits);
  assert.equal(counted.talked, 1);
  assert.equal(counted.declined, 1);
  assert.ok(counted.not_home >= 2, 'both doors where nobody opened');
  const after = await inputs(server.database);
  assert.equal(after.spool - before.spool, 1, 'one envelope in the spool');
  assert.equal(after.spent - before.spent, 1, 'one ticket spent');
  return { volunteer, sign, figures };
}
