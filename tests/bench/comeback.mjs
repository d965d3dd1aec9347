// A thousand phones that come back at once: each pushes what waits and pulls, and tries again as the app does.
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { median, quantile, round, size, spread } from './lib/figures.mjs';
import { ask, connections, ownShare, peakMemoryOf, processorOf } from './lib/load.mjs';
import { applied, prepare, pull, pushes, visits } from './lib/phones.mjs';
import { Stage } from './lib/stage.mjs';
import { cpus } from 'node:os';

const PHONES = size('COMEBACK_PHONES', 1_000);
const WAITING = size('COMEBACK_WAITING', 20);
const RUNS = size('COMEBACK_RUNS', 3);
const [ENTRANCES, DOORS_OF_ENTRANCE] = [12, 12];
/** As the app has them: shared/src/sync/engine.rs, app/src/field/sync/http.rs. */
const [FIRST_BACK_OFF_MS, LONGEST_BACK_OFF_MS, PATIENCE_MS] = [1_000, 300_000, 20_000];
/** A phone that has not got through by then was refused for good. */
const MOST_TRIES = 12;
const MOST_MB = 150;

export const name = 'comeback';
export const about = `${PHONES} phones, two in each turf of ${ENTRANCES * DOORS_OF_ENTRANCE} doors, open a connection each in the same instant; each pushes ${WAITING} visits and pulls; on SQLite; `
  + 'all clients are one process';

/** How long a phone waits after so many faults: full jitter, and at least what the server asked for. @param {number} failures @param {string | undefined} retryAfter seconds */
const backOff = (failures, retryAfter) => Math.max(FIRST_BACK_OFF_MS / 4 + randomInt(Math.min(FIRST_BACK_OFF_MS * 2 ** failures, LONGEST_BACK_OFF_MS)), Number(retryAfter ?? 0) * 1_000);

/** What a phone holds of its turf. @param {{ headers: import('node:http').IncomingHttpHeaders, body: Buffer, status: number }} answer */
function read(answer) {
  if (answer.status !== 200) throw new Error(`a pull answered ${answer.status}`);
  const { bundle, turfs } = JSON.parse((answer.headers['content-encoding'] === 'gzip' ? gunzipSync(answer.body) : answer.body).toString());
  return { tag: bundle?.tag, cursor: turfs[0].next };
}

/** All phones at once. @param {number} port @param {{ phone: import('./lib/phones.mjs').Phone, body: Buffer, cursor: string, tag: string }[]} phones */
async function storm(port, phones) {
  const agent = connections();
  const count = { refused: 0, broken: 0, lost: 0 };
  const begun = performance.now();
  /** Asks until it is answered. @param {() => Promise<{ status: number, headers: import('node:http').IncomingHttpHeaders, body: Buffer }>} send */
  const insist = async (send) => {
    for (let failures = 1; failures <= MOST_TRIES; failures += 1) {
      const answer = await send().catch(() => undefined);
      if (answer?.status === 200) return answer.body;
      if (answer) count.refused += 1;
      else count.broken += 1;
      await pause(backOff(failures, answer?.headers['retry-after']));
    }
    count.lost += 1;
    throw new Error('refused for good');
  };
  const times = await Promise.all(phones.map(async ({ phone, body, cursor, tag }) => {
    try {
      const headers = { authorization: `Bearer ${phone.bearer}` };
      const said = await insist(() => ask(port, agent, '/sync/v1/push', { headers, body, patience: PATIENCE_MS }));
      if (applied([said]) !== WAITING) throw new Error('not every visit was applied');
      await insist(() => pull(port, agent, phone, cursor, tag));
      return performance.now() - begun;
    } catch (error) {
      if (!count.lost) throw error;
      return Infinity;
    }
  }));
  agent.destroy();
  return { times, ...count };
}

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const stage = await Stage.set((server) => prepare(server, { turfs: Math.ceil(PHONES / 2), entrances: ENTRANCES, doors: DOORS_OF_ENTRANCE, phonesOfTurf: 2 }));
  const runs = [];
  try {
    let server = await stage.again();
    const agent = connections();
    const phones = [];
    for (const [at, phone] of stage.filled.slice(0, PHONES).entries()) {
      // They have met and fetched their turf; the two of a pair ring at doors of their own.
      const { tag, cursor } = read(await pull(server.port, agent, phone));
      const from = (at % 2) * WAITING;
      phones.push({ phone, tag, cursor, body: pushes(visits(phone, phone.doors.slice(from, from + WAITING)))[0] });
    }
    agent.destroy();
    for (let at = 0; at < RUNS; at += 1) {
      server = await stage.again();
      // The demo has receipts of its own.
      const receipts = async () => Number(await server.database.one('SELECT COUNT(*) AS n FROM receipt'));
      const had = await receipts();
      const [before, begun] = [processorOf(server.pid), performance.now()];
      const { result, share } = await ownShare(() => storm(server.port, phones));
      const server_share = (processorOf(server.pid) - before) / ((performance.now() - begun) / 1_000) / cpus().length;
      const held = (await receipts()) - had;
      runs.push({ ...result, share, server_share, memory: peakMemoryOf(server.pid), held });
    }
  } finally {
    await stage.close();
  }
  const sum = (/** @type {'refused' | 'broken' | 'lost'} */ what) => runs.reduce((all, one) => all + one[what], 0);
  const missing = runs.reduce((all, one) => all + Math.abs(PHONES * WAITING - one.held), 0);
  report.figure({ name: `${PHONES} phones at once: refused for good, or visits missing`, value: sum('lost') + missing, unit: 'phones or visits', baseline: PHONES, of: 'all', atMost: 0, bar: 'none', noise: `${RUNS} runs; refused for the moment ${sum('refused')} times, connections broken ${sum('broken')} times` });
  const shares = `the clients take ${round(median(runs.map((one) => one.share)) * 100)} % of the machine, the server ${round(median(runs.map((one) => one.server_share)) * 100)} %`;
  for (const q of [0.5, 0.99]) {
    const values = runs.map((one) => quantile(one.times, q));
    report.figure({ name: `${PHONES} phones at once: p${q * 100} until pushed and pulled`, value: round(median(values)), unit: 'ms', baseline: PATIENCE_MS, of: "the app's patience with one answer", noise: `${spread(values)}; ${shares}` });
  }
  const memory = runs.map((one) => one.memory);
  report.figure({ name: `${PHONES} phones at once: peak memory of the server`, value: round(Math.max(...memory), 1), unit: 'MB', baseline: MOST_MB, atMost: 1, bar: `at most ${MOST_MB}`, noise: `highest of ${spread(memory, 1)}` });
}
