// Push on PostgreSQL that waits for the disk, by one and by two server processes.
import { Server } from '../e2e/lib/server.mjs';
import { run as command } from '../e2e/lib/run.mjs';
import { freePort } from '../e2e/lib/net.mjs';
import { median, round, size, spread } from './lib/figures.mjs';
import { BATCH, prepare, pushAll, pushes, visits } from './lib/phones.mjs';
import { dashed } from './lib/sql.mjs';
import { Stage } from './lib/stage.mjs';

const CLIENTS = size('PUSH_CLIENTS', 50);
const VISITS = size('POSTGRES_VISITS', 40_000);
const RUNS = size('POSTGRES_RUNS', 3);
const DOORS_OF_ENTRANCE = 20;
const ENTRANCES = Math.ceil(VISITS / CLIENTS / DOORS_OF_ENTRANCE);
const ROWS = CLIENTS * ENTRANCES * DOORS_OF_ENTRANCE;

export const name = 'postgres';
export const about = `${ROWS} visits in batches of ${BATCH} by ${CLIENTS} phones at once, on a throwaway PostgreSQL with fsync and synchronous_commit on; beside it psql alone, one connection, the same visit and receipt rows, multi-row inserts, a transaction a batch`;

/** The visit and receipt rows of all outboxes as SQL, one transaction a batch. @param {{ phone: import('./lib/phones.mjs').Phone, entries: ReturnType<typeof visits> }[]} outboxes */
function script(outboxes) {
  const lines = [];
  let seq = 0;
  for (const { phone, entries } of outboxes) {
    for (let from = 0; from < entries.length; from += BATCH) {
      const [visit, receipt] = [[], []];
      for (const entry of entries.slice(from, from + BATCH)) {
        seq += 1;
        const body = JSON.parse(entry.bytes);
        const device = dashed(phone.device);
        visit.push(`('${entry.id}','${body.campaign}','${body.turf}','${body.entrance}','${body.unit}','${body.outcome}',FALSE,${body.occurred_at},'${device}',${entry.device_seq})`);
        receipt.push(`('${entry.id}','${body.campaign}','${device}',${entry.device_seq},'\\x${'07'.repeat(32)}','applied',NULL,${seq})`);
      }
      lines.push('BEGIN;', `INSERT INTO visit (id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq) VALUES ${visit.join(',')};`,
        `INSERT INTO receipt (id, campaign, device, device_seq, mac, status, reason, seq) VALUES ${receipt.join(',')};`, 'COMMIT;');
    }
  }
  return lines.join('\n');
}

/** Another process on the same database and port of its own. @param {Server} server */
async function another(server) {
  const more = Object.assign(new Server(), { folder: server.folder, data: server.data, site: server.site, env: server.env, address: server.address, proxy: server.proxy, port: await freePort() });
  await more.up();
  return more;
}

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const stage = await Stage.set((server) => prepare(server, { turfs: CLIENTS, entrances: ENTRANCES, doors: DOORS_OF_ENTRANCE }), { engine: 'postgres' });
  const rates = { one: /** @type {number[]} */ ([]), two: /** @type {number[]} */ ([]), alone: /** @type {number[]} */ ([]) };
  let says = '';
  try {
    const outboxes = stage.filled.map((phone) => ({ phone, entries: visits(phone, phone.doors) }));
    const work = outboxes.map(({ phone, entries }) => ({ bearer: phone.bearer, bodies: pushes(entries) }));
    const sql = script(outboxes);
    for (let at = 0; at < RUNS; at += 1) {
      rates.one.push(await pushAll([(await stage.again()).port], work, ROWS));
      const server = await stage.again();
      const second = await another(server);
      try {
        rates.two.push(await pushAll([server.port, second.port], work, ROWS));
      } finally {
        await second.kill();
      }
      const { address } = await stage.again();
      await stage.server.kill();
      const begun = performance.now();
      await command('psql', ['-q', '-X', '-v', 'ON_ERROR_STOP=1', address], { input: sql });
      rates.alone.push(ROWS / ((performance.now() - begun) / 1_000));
      const setting = async (/** @type {string} */ which) => `${which} = ${(await command('psql', ['-X', '-A', '-t', address, '-c', `SHOW ${which}`])).trim()}`;
      says = `${await setting('fsync')}, ${await setting('synchronous_commit')}`;
    }
  } finally {
    await stage.close();
  }
  const shares = rates.one.map((rate, at) => rate / rates.alone[at]);
  report.figure({ name: 'push on PostgreSQL, one server process', value: round(median(rates.one)), unit: 'visits/s', baseline: round(median(rates.alone)), of: 'psql alone', ratio: median(shares), noise: `${spread(rates.one)}; psql ${spread(rates.alone)}; ${says}` });
  const times = rates.two.map((rate, at) => rate / rates.one[at]);
  report.figure({ name: 'push on PostgreSQL, two server processes', value: round(median(rates.two)), unit: 'visits/s', baseline: round(median(rates.one)), of: 'one process', ratio: median(times), noise: `${spread(rates.two)}; times ${spread(times, 2)}` });
}
