// The first download of a phone, against the same rows as a packed table that SQLite's own program writes.
import { gzipSync } from 'node:zlib';
import { Server } from '../e2e/lib/server.mjs';
import { run as command } from '../e2e/lib/run.mjs';
import { median, round, size, spread } from './lib/figures.mjs';
import { DOORS, fetchAll, largeTurf } from './lib/large.mjs';

const RUNS = size('DOWNLOADS', 9);
const uuid = (/** @type {string} */ column) => `lower(substr(hex(${column}),1,8)||'-'||substr(hex(${column}),9,4)||'-'||substr(hex(${column}),13,4)||'-'||substr(hex(${column}),17,4)||'-'||substr(hex(${column}),21))`;
const TABLE = `SELECT ${uuid('e.id')} AS entrance, e.street, e.number, e.letter, e.lat, e.lon, ${uuid('u.id')} AS unit, u.label, u.floor, u.position
  FROM turf t JOIN turf_entrance p ON p.turf = t.id JOIN entrance e ON e.id = p.entrance JOIN unit u ON u.entrance = e.id
  WHERE t.number >= 9000 ORDER BY p.position, u.floor, u.position`;

export const name = 'download';
export const about = `a phone's first pull of ${DOORS} doors in one turf over HTTP with gzip, from SQLite; beside it the same rows as CSV by the sqlite3 program and gzip of the same level`;

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const server = await Server.start();
  const [pulls, tables] = [[], []];
  try {
    const [phone] = await largeTurf(server);
    await fetchAll(server.port, phone);
    for (let at = 0; at < RUNS; at += 1) {
      const got = await fetchAll(server.port, phone);
      if (got.doors !== DOORS) throw new Error(`${got.doors} of ${DOORS} doors came`);
      pulls.push(got);
      const begun = performance.now();
      const bytes = gzipSync(await command('sqlite3', ['-readonly', '-csv', '-header', server.address.replace('sqlite:', ''), TABLE]), { level: 6 }).length;
      tables.push({ ms: performance.now() - begun, bytes });
    }
  } finally {
    await server.stop();
  }
  const [ms, bytes] = [pulls.map((one) => one.ms), pulls.map((one) => one.bytes)];
  report.figure({ name: `first download of ${DOORS} doors, bytes`, value: median(bytes), unit: 'bytes', baseline: median(tables.map((one) => one.bytes)), of: 'the packed table', atMost: 1.5, bar: 'at most 1.5 times', noise: spread(bytes) });
  const table = tables.map((one) => one.ms);
  report.figure({ name: `first download of ${DOORS} doors, time`, value: round(median(ms)), unit: 'ms', baseline: round(median(table)), of: 'writing the packed table', noise: `${spread(ms)}; the table ${spread(table)}` });
}
