// Push of visits over HTTP, as a share of what the SQLite library does with the same rows.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import http from 'node:http';
import { TARGET } from '../e2e/lib/paths.mjs';
import { run as command } from '../e2e/lib/run.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { runningShift } from '../e2e/lib/lead.mjs';
import { median, round, size, spread } from './lib/figures.mjs';

const CLIENTS = 4;
const BATCH = 200;
const BATCHES = 10;
const RUNS = size('PUSHES', 5);
const DOORS_OF_ENTRANCE = 20;
const ROWS = CLIENTS * BATCH * BATCHES;
const OUTCOMES = ['not_home', 'talked', 'declined', 'come_back'];
const hex = () => randomUUID().replaceAll('-', '');
const dashed = (id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** A version 7 id, as phones make them. @param {number} at */
function idAt(at) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(at, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 15);
  bytes[8] = 0x80 | (bytes[8] & 63);
  return dashed(bytes.toString('hex'));
}

/** A turf for each client, with doors enough that every visit is at another one, and a phone for each. @param {Server} server */
async function prepare(server) {
  const shift = await runningShift(server);
  const path = server.address.replace('sqlite:', '');
  const db = server.database;
  const district = await db.one(`SELECT district FROM turf WHERE ${db.hex('campaign')} = '${shift.campaign}' LIMIT 1`);
  const now = Date.now();
  const clients = Array.from({ length: CLIENTS }, () => ({ device: hex(), turf: hex(), credential: randomBytes(32), entrances: /** @type {{ id: string, units: string[] }[]} */ ([]) }));
  const lines = ['PRAGMA foreign_keys = ON;', 'BEGIN;'];
  for (const [at, client] of clients.entries()) {
    lines.push(`INSERT INTO turf (id, campaign, district, number, name) VALUES (x'${client.turf}', x'${shift.campaign}', '${district}', ${9000 + at}, 'Måling ${at + 1}');`);
    lines.push(`INSERT INTO shift_turf (shift, turf) VALUES (x'${shift.id.replaceAll('-', '')}', x'${client.turf}');`);
    lines.push(`INSERT INTO device (id, shift, turf, sign, credential_hash, state, joined_at, last_seen_at) VALUES (x'${client.device}', x'${shift.id.replaceAll('-', '')}', x'${client.turf}', 'Z${at}', x'${createHash('sha256').update(client.credential).digest('hex')}', 'admitted', ${now}, ${now});`);
    for (let entrance = 0; entrance < (BATCH * BATCHES) / DOORS_OF_ENTRANCE; entrance += 1) {
      const id = hex();
      const units = [];
      lines.push(`INSERT INTO entrance (id, origin, source_id, municipality, street, number, letter, postcode, post_town, district, lat, lon, updated_at) VALUES (x'${id}', 'bench', '${at}-${entrance}', '0301', 'Målegata', ${entrance + 1}, '', '0001', 'Oslo', '${district}', 59.9, 10.7, ${now});`);
      lines.push(`INSERT INTO turf_entrance (turf, entrance, position) VALUES (x'${client.turf}', x'${id}', ${entrance});`);
      for (let unit = 0; unit < DOORS_OF_ENTRANCE; unit += 1) {
        const door = hex();
        units.push(dashed(door));
        lines.push(`INSERT INTO unit (id, entrance, label, floor, position) VALUES (x'${door}', x'${id}', 'H${String(1 + Math.floor(unit / 4)).padStart(2, '0')}${String(1 + (unit % 4)).padStart(2, '0')}', ${1 + Math.floor(unit / 4)}, ${1 + (unit % 4)});`);
      }
      client.entrances.push({ id: dashed(id), units });
    }
  }
  lines.push('COMMIT;');
  await command('sqlite3', [path], { input: lines.join('\n') });
  return { clients, campaign: dashed(shift.campaign) };
}

/** The bodies that a client sends, made before the clock starts. */
function bodies(client, campaign) {
  const doors = client.entrances.flatMap(({ id, units }) => units.map((unit) => ({ entrance: id, unit })));
  const now = Date.now();
  return Array.from({ length: BATCHES }, (_, batch) => {
    const entries = doors.slice(batch * BATCH, (batch + 1) * BATCH).map((door, index) => {
      const seq = batch * BATCH + index + 1;
      const body = { campaign, turf: dashed(client.turf), ...door, outcome: OUTCOMES[seq % OUTCOMES.length], occurred_at: now };
      return { id: idAt(now + seq), kind: 'visit', version: 1, device_seq: seq, captured_at: now, bytes: JSON.stringify(body) };
    });
    const highest = (batch + 1) * BATCH;
    return Buffer.from(JSON.stringify({ proto: 1, build: 'bench', have: { min_unacked: batch * BATCH + 1, max_issued: highest, unsent: BATCH }, entries }));
  });
}

/** @param {number} port @param {http.Agent} agent @param {string} bearer @param {Buffer} body @returns {Promise<string>} */
function post(port, agent, bearer, body) {
  return new Promise((done, failed) => {
    const request = http.request({ port, host: '127.0.0.1', path: '/sync/v1/push', method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': body.length, authorization: `Bearer ${bearer}` } }, (answer) => {
      const parts = /** @type {Buffer[]} */ ([]);
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => (answer.statusCode === 200 ? done(Buffer.concat(parts).toString()) : failed(new Error(`push answered ${answer.statusCode}: ${Buffer.concat(parts)}`))));
    });
    request.on('error', failed);
    request.end(body);
  });
}

/** One run: rows a second by the library alone, and by pushing. @returns {Promise<{ raw: number, push: number }>} */
async function pushOnce() {
  const server = await Server.start();
  try {
    const { clients, campaign } = await prepare(server);
    // The library works on its own copy of the same database, on the same disk.
    const copy = `${server.folder}/raw.db`;
    await command('sqlite3', [server.address.replace('sqlite:', ''), `VACUUM INTO '${copy}'`]);
    const raw = Number(await command(`${TARGET}/release/dorbank-bench-raw`, [copy, String(ROWS), String(BATCH)]));
    const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
    const work = clients.map((client) => ({ bearer: client.credential.toString('base64url'), bodies: bodies(client, campaign) }));
    const begun = performance.now();
    const answers = await Promise.all(work.map(async ({ bearer, bodies: all }) => {
      const said = [];
      for (const body of all) said.push(await post(server.port, agent, bearer, body));
      return said;
    }));
    const seconds = (performance.now() - begun) / 1000;
    agent.destroy();
    const applied = answers.flat().flatMap((answer) => JSON.parse(answer).results).filter((result) => result.status === 'applied').length;
    if (applied !== ROWS) throw new Error(`${applied} of ${ROWS} visits were applied`);
    return { raw, push: ROWS / seconds };
  } finally {
    await server.stop();
  }
}

export const name = 'push';
export const about = `${ROWS} visits, ${CLIENTS} clients, batches of ${BATCH}`;

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  await pushOnce();
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await pushOnce());
  const shares = runs.map(({ raw, push }) => push / raw);
  report.figure({ name: 'push of visits over HTTP', value: round(median(runs.map((one) => one.push))), unit: 'visits/s', baseline: round(median(runs.map((one) => one.raw))), of: 'the SQLite library alone', ratio: median(shares), atLeast: 0.12, bar: 'share at least 0.12', aim: '0.25', noise: `share ${spread(shares, 3)}` });
}
