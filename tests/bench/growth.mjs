// What push and pull cost when much is stored already.
import { TARGET } from '../e2e/lib/paths.mjs';
import { run as command } from '../e2e/lib/run.mjs';
import { runningShift } from '../e2e/lib/lead.mjs';
import { median, round, size, spread } from './lib/figures.mjs';
import { connections } from './lib/load.mjs';
import { prepare, pull, pushAll, pushes, visits } from './lib/phones.mjs';
import { Stage } from './lib/stage.mjs';
import { gunzipSync } from 'node:zlib';

const STORED = [10_000, 100_000, size('GROWTH_MOST', 1_000_000)];
const RUNS = size('GROWTH_RUNS', 7);
const PHONES = 20;
const [ENTRANCES, DOORS_OF_ENTRANCE] = [10, 20];
const DOORS = ENTRANCES * DOORS_OF_ENTRANCE;
const PULLS = 40;
/** Every so manieth turf's worth of neighbours in the filled register is the measured phones': nobody was there yet in this campaign. See fill.rs. */
const KEPT = 75;

export const name = 'growth';
export const about = `push of ${PHONES * DOORS} visits by ${PHONES} phones, then ${PULLS} pulls of a turf of ${DOORS} doors with and without a cursor, with ${STORED.map((n) => n.toLocaleString('en')).join(', ')} visits stored `
  + 'in a city of 300,000 doors, with receipts, states, turfs, shifts and phones; on SQLite, all of it in the page cache';

/** The kept entrances with their doors. @param {import('../e2e/lib/server.mjs').Server} server */
async function kept({ database: db }) {
  const rows = await db.rows(`SELECT ${db.hex('e.id')} AS entrance, ${db.hex('u.id')} AS unit FROM entrance e JOIN unit u ON u.entrance = e.id
    WHERE e.origin = 'fill' AND CAST(e.source_id AS INTEGER) / ${ENTRANCES} % ${KEPT} = ${KEPT - 1} ORDER BY e.id, u.floor, u.position`);
  const register = /** @type {Map<string, string[]>} */ (new Map());
  for (const { entrance, unit } of rows) register.set(entrance, [...(register.get(entrance) ?? []), unit]);
  return register;
}

/** @param {Stage & { filled: import('./lib/phones.mjs').Phone[] }} stage */
async function measure(stage) {
  const server = await stage.again();
  const work = stage.filled.map((phone) => ({ bearer: phone.bearer, bodies: pushes(visits(phone, phone.doors)) }));
  const agent = connections();
  const timed = async (/** @type {import('./lib/phones.mjs').Phone} */ phone, /** @type {string | null} */ cursor, /** @type {string | null} */ tag) => {
    const begun = performance.now();
    const answer = await pull(server.port, agent, phone, cursor, tag);
    const ms = performance.now() - begun;
    if (answer.status !== 200) throw new Error(`a pull answered ${answer.status}`);
    return { ms, answer: JSON.parse((answer.headers['content-encoding'] === 'gzip' ? gunzipSync(answer.body) : answer.body).toString()) };
  };
  try {
    // The statements are prepared and the file is known before the clock starts.
    await pushAll([server.port], work.slice(0, 1), DOORS);
    const rate = await pushAll([server.port], work.slice(1), (PHONES - 1) * DOORS);
    const [fresh, again] = [[], []];
    for (let at = 0; at < PULLS; at += 1) {
      const phone = stage.filled[at % PHONES];
      const first = await timed(phone, null, null);
      if (first.answer.turfs[0].rows.length !== DOORS) throw new Error(`${first.answer.turfs[0].rows.length} of ${DOORS} rows came`);
      fresh.push(first.ms);
      again.push((await timed(phone, first.answer.turfs[0].next, first.answer.bundle.tag)).ms);
    }
    return { push: 1e6 / rate, fresh: median(fresh), again: median(again) };
  } finally {
    agent.destroy();
    await server.kill();
  }
}

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const stages = /** @type {(Stage & { filled: import('./lib/phones.mjs').Phone[] })[]} */ ([]);
  const all = STORED.map(() => /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]));
  try {
    for (const stored of STORED) {
      stages.push(await Stage.set(async (server) => {
        const { campaign } = await runningShift(server);
        await command(`${TARGET}/release/dorbank-bench-fill`, [server.address.replace('sqlite:', ''), campaign, String(ENTRANCES), String(KEPT), String(stored)]);
        return prepare(server, { turfs: PHONES, entrances: ENTRANCES, doors: DOORS_OF_ENTRANCE, register: await kept(server) });
      }));
    }
    // In turn, so that what the machine does beside falls on all of them.
    for (let at = 0; at < RUNS; at += 1) for (const [which, stage] of stages.entries()) all[which].push(await measure(stage));
  } finally {
    for (const stage of stages) await stage.close();
  }
  for (const [what, unit, title] of /** @type {['push' | 'fresh' | 'again', string, string][]} */ ([['push', 'µs a visit', 'push'], ['fresh', 'ms', 'pull of a whole turf'], ['again', 'ms', 'pull with a cursor']])) {
    const values = all.map((runs) => runs.map((one) => one[what]));
    const [few, most] = [values[0], values[values.length - 1]];
    const ratios = most.map((value, at) => value / few[at]);
    report.figure({
      name: `${title} with ${STORED[STORED.length - 1].toLocaleString('en')} visits stored`, value: round(median(most), 2), unit, baseline: round(median(few), 2), of: `with ${STORED[0].toLocaleString('en')}`, ratio: median(ratios),
      atMost: 1.5, bar: 'at most 1.5 times', noise: `${STORED.map((stored, which) => `${stored.toLocaleString('en')}: ${spread(values[which], 2)}`).join('; ')}; times ${spread(ratios, 2)}`,
    });
  }
}
