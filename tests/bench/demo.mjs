// The demo city: how long it takes to make, and whether any page is slower for a city thirty times as large.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChromiumPage } from '../e2e/lib/engines/chromium.mjs';
import { runningShift } from '../e2e/lib/lead.mjs';
import { BINARY } from '../e2e/lib/paths.mjs';
import { run as command } from '../e2e/lib/run.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { joined } from '../e2e/lib/story.mjs';
import { median, round, spread } from './lib/figures.mjs';
import { watchList } from './phone.mjs';

const SIZES = /** @type {const} */ (['small', 'large']);
const MADE = { small: 5, large: 3 };
const BAR_MS = { small: 3_000, large: 60_000 };
const WARM = 5;
const ASKED = 60;
const STARTS = 12;
/** No page of the large city takes more than so many times what it takes in the small one. */
const MOST = 1.5;
const hex = () => randomBytes(16).toString('hex');

/** Makes a demo in a fresh folder, from the start of the program to its end. @param {string} size @returns {Promise<number>} milliseconds */
async function make(size) {
  const folder = mkdtempSync(join(tmpdir(), 'dorbank-made-'));
  try {
    const begun = performance.now();
    await command(BINARY, ['demo', '--size', size, '--database', `sqlite:${folder}/demo.db`, '--data', `${folder}/data`]);
    return performance.now() - begun;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Asks once. @param {http.Agent} agent @param {number} port @param {{ path: string, method?: string, headers?: Record<string, string>, body?: string }} what */
function ask(agent, port, { path, method = 'GET', headers = {}, body }) {
  return new Promise((done, failed) => {
    const begun = performance.now();
    const request = http.request({ host: '127.0.0.1', port, agent, path, method, headers: { ...headers, ...(body ? { 'content-length': String(Buffer.byteLength(body)) } : {}) } }, (answer) => {
      let bytes = 0;
      answer.on('data', (part) => { bytes += part.length; });
      answer.on('end', () => done({ ms: performance.now() - begun, status: answer.statusCode, cookie: answer.headers['set-cookie']?.[0]?.split(';')[0], bytes }));
    });
    request.on('error', failed);
    request.end(body);
  });
}

/** The cookie of somebody. @param {Server} server @param {http.Agent} agent @param {string} name */
async function signIn(server, agent, name) {
  const db = server.database;
  const id = String(await db.one(`SELECT ${db.hex('id')} AS id FROM officer WHERE name = '${name}'`)).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const headers = { 'sec-fetch-site': 'same-origin', accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
  const { status, cookie } = await ask(agent, server.port, { path: '/sign-in/v1/demo', method: 'POST', headers, body: `officer=${id}` });
  if (status !== 303 || !cookie) throw new Error(`${name} was not signed in: ${status}`);
  return cookie;
}

/** A phone on one of the running shift's turfs, the one that is nearest to 48 doors in either city. @param {Server} server */
async function phone(server) {
  const db = server.database;
  const shift = await runningShift(server);
  const id = shift.id.replaceAll('-', '');
  const turf = await db.one(`SELECT ${db.hex('s.turf')} AS turf FROM shift_turf s JOIN turf_entrance t ON t.turf = s.turf JOIN unit u ON u.entrance = t.entrance
    WHERE ${db.hex('s.shift')} = '${id}' GROUP BY s.turf ORDER BY ABS(COUNT(*) - 48) LIMIT 1`);
  const credential = randomBytes(32);
  const now = Date.now();
  await command('sqlite3', [server.address.replace('sqlite:', ''), '-cmd', '.timeout 10000', `INSERT INTO device (id, shift, turf, sign, credential_hash, state, joined_at, last_seen_at)
    VALUES (x'${hex()}', x'${id}', x'${turf}', 'Z9', x'${createHash('sha256').update(credential).digest('hex')}', 'admitted', ${now}, ${now});`]);
  const pull = JSON.stringify({ proto: 1, build: '1-bench', turfs: { [String(turf).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')]: null } });
  return { headers: { authorization: `Bearer ${credential.toString('base64url')}`, 'content-type': 'application/json' }, pull };
}

/** What is asked of a server, by name. @param {Server} server @param {http.Agent} agent */
async function questions(server, agent) {
  const db = server.database;
  const shift = await runningShift(server);
  const name = (role) => db.one(`SELECT name FROM officer WHERE role = '${role}' ORDER BY name LIMIT 1`);
  const [lead, county, organiser] = [await signIn(server, agent, shift.lead), await signIn(server, agent, await name('county')), await signIn(server, agent, await name('organiser'))];
  const page = (path, cookie) => ({ path, headers: { accept: 'text/html', cookie } });
  const { headers, pull } = await phone(server);
  const area = await db.one("SELECT area FROM release_cell WHERE band = 'exact' AND area <> '*' ORDER BY area LIMIT 1");
  return {
    'plan, as a lead': page('/plan', lead),
    'plan, as the county': page('/plan', county),
    "a shift's board": page(`/plan/shifts/${shift.id}`, lead),
    'what waits to be looked at': page('/plan/quarantine', organiser),
    'how the phones stand': page('/plan/status', organiser),
    programme: page('/programme', county),
    'programme, one area': page(`/programme?area=${area}`, county),
    admin: page('/admin', county),
    "a phone's first pull": { path: '/sync/v1/pull', method: 'POST', headers, body: pull },
  };
}

/** Asks both cities in turn, so that what else the machine does falls on both. @returns {Promise<Record<string, number[][]>>} milliseconds */
async function pages() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const servers = [];
  try {
    for (const size of SIZES) servers.push(await Server.start({ size }));
    const asked = [];
    for (const server of servers) asked.push(await questions(server, agent));
    const times = /** @type {Record<string, number[][]>} */ ({});
    for (const name of Object.keys(asked[0])) {
      times[name] = servers.map(() => []);
      for (let turn = -WARM; turn < ASKED; turn += 1) {
        for (const [at, server] of servers.entries()) {
          const answer = await ask(agent, server.port, asked[at][name]);
          if (answer.status !== 200) throw new Error(`${name} of the ${SIZES[at]} city answered ${answer.status}`);
          if (turn >= 0) times[name][at].push(answer.ms);
        }
      }
    }
    times["the field app's list"] = await lists(servers);
    return times;
  } finally {
    agent.destroy();
    for (const server of servers) await server.stop();
  }
}

/** From the start of a navigation until a phone's list of entrances is painted. @param {Server[]} servers */
async function lists(servers) {
  const times = servers.map(() => /** @type {number[]} */ ([]));
  const phones = [];
  try {
    for (const server of servers) {
      const page = await ChromiumPage.open();
      phones.push({ page, address: server.origin + (await joined(server, page)).volunteer.turf });
      await page.context.addInitScript(watchList);
    }
    for (let turn = -2; turn < STARTS; turn += 1) {
      for (const [at, { page, address }] of phones.entries()) {
        await page.goto(address);
        await page.waitFor('a usable list', () => globalThis.listUsableAt);
        if (turn >= 0) times[at].push(await page.evaluate(() => globalThis.listUsableAt));
      }
    }
    return times;
  } finally {
    for (const { page } of phones) await page.close();
  }
}

export const name = 'demo';
export const about = 'how long a demo takes to make, and whether a page is slower in a large city than in a small one';

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  for (const size of SIZES) {
    const times = [];
    for (let turn = 0; turn < MADE[size]; turn += 1) times.push((await make(size)) / 1000);
    report.figure({ name: `a ${size} demo, made`, value: round(median(times), 1), unit: 's', baseline: BAR_MS[size] / 1000, atMost: 1, bar: `at most ${BAR_MS[size] / 1000}`, noise: spread(times, 1) });
  }
  const ratios = Object.entries(await pages()).map(([page, [small, large]]) => ({ page, ratio: median(large) / median(small) }));
  const worst = Math.max(...ratios.map((one) => one.ratio));
  const noise = `medians of ${ASKED}: ${ratios.map(({ page, ratio }) => `${page} ${ratio.toFixed(2)}`).join(', ')}`;
  report.figure({ name: 'a page of the large city, against the small', value: round(worst, 2), unit: 'times', baseline: MOST, atMost: 1, bar: `at most ${MOST}`, noise });
}
