// Push of visits over HTTP, as a share of what the SQLite library does with the same rows.
import { TARGET } from '../e2e/lib/paths.mjs';
import { run as command } from '../e2e/lib/run.mjs';
import { median, round, size, spread } from './lib/figures.mjs';
import { ownShare } from './lib/load.mjs';
import { BATCH, prepare, pushAll, pushes, visits } from './lib/phones.mjs';
import { Stage } from './lib/stage.mjs';

const CLIENTS = size('PUSH_CLIENTS', 50);
const VISITS = size('PUSH_VISITS', 100_000);
const RUNS = size('PUSH_RUNS', 5);
const DOORS_OF_ENTRANCE = 20;
/** So many entrances give every phone a door for each visit. */
const ENTRANCES = Math.ceil(VISITS / CLIENTS / DOORS_OF_ENTRANCE);
const ROWS = CLIENTS * ENTRANCES * DOORS_OF_ENTRANCE;

export const name = 'push';
export const about = `${ROWS} visits in batches of ${BATCH} by ${CLIENTS} phones at once, each visit at another door, on SQLite with synchronous = FULL`;

/** What both the push part and its peers send: phones in a filled database, and their bodies. */
export async function stagePush() {
  const stage = await Stage.set((server) => prepare(server, { turfs: CLIENTS, entrances: ENTRANCES, doors: DOORS_OF_ENTRANCE }));
  const outboxes = stage.filled.map((phone) => ({ bearer: phone.bearer, entries: visits(phone, phone.doors) }));
  const work = outboxes.map(({ bearer, entries }) => ({ bearer, bodies: pushes(entries) }));
  return { stage, outboxes, rows: ROWS, push: async () => pushAll([(await stage.again()).port], work, ROWS) };
}

/** Rows a second by the library alone, on a copy of the same database. @param {Stage} stage @param {'one' | 'many'} rows of a statement */
async function library(stage, rows) {
  await stage.server.kill();
  return Number(await command(`${TARGET}/release/dorbank-bench-raw`, [stage.copy('raw'), String(ROWS), String(BATCH), rows]));
}

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const { stage, push } = await stagePush();
  const runs = [];
  try {
    await push();
    for (let at = 0; at < RUNS; at += 1) {
      const [one, many] = [await library(stage, 'one'), await library(stage, 'many')];
      const { result, share } = await ownShare(push);
      runs.push({ one, many, push: result, own: share });
    }
  } finally {
    await stage.close();
  }
  const rates = runs.map((each) => each.push);
  const own = `the clients take ${round(median(runs.map((each) => each.own)) * 100)} % of the machine`;
  for (const [kind, of] of /** @type {['one' | 'many', string][]} */ ([['one', 'one-row inserts'], ['many', 'multi-row inserts']])) {
    const shares = runs.map((each) => each.push / each[kind]);
    report.figure({
      name: `push of visits over HTTP, against SQLite alone with ${of}`,
      value: round(median(rates)), unit: 'visits/s', baseline: round(median(runs.map((each) => each[kind]))), of: 'the SQLite library alone', ratio: median(shares),
      atLeast: 0.12, bar: 'share at least 0.12', aim: '0.25', noise: `${spread(rates)}; share ${spread(shares, 3)}; ${own}`,
    });
  }
}
