// Phones in turfs of their own, and what they have to send.
import { createHash, randomBytes } from 'node:crypto';
import { runningShift } from '../../e2e/lib/lead.mjs';
import { ask, connections, drain } from './load.mjs';
import { dashed, filler, idAt } from './sql.mjs';

const OUTCOMES = ['not_home', 'talked', 'declined', 'come_back'];
/** The most entries of one push. */
export const BATCH = 200;

/**
 * @typedef {{ entrance: string, unit: string }} Door with dashes, as the wire has them
 * @typedef {{ device: string, turf: string, bearer: string, campaign: string, doors: Door[] }} Phone ids as hexadecimal, `campaign` with dashes
 */

/** A door's number within its entrance, as the register has it: `['H0203', 2, 3]`. @param {number} at */
function label(at) {
  const [floor, place] = [1 + Math.floor(at / 4), 1 + (at % 4)];
  return `'H${String(floor).padStart(2, '0')}${String(place).padStart(2, '0')}', ${floor}, ${place}`;
}

/**
 * Writes shifts with turfs and admitted phones into the running shift's campaign. Turfs are numbered from 9000.
 * @param {import('../../e2e/lib/server.mjs').Server} server
 * @param {{ turfs: number, entrances: number, doors: number, phonesOfTurf?: number, turfsOfShift?: number, register?: Map<string, string[]> }} how `entrances` of a turf,
 *   `doors` of an entrance; they are written too, unless the register has them: entrances with their doors, ids as hexadecimal
 * @returns {Promise<Phone[]>}
 */
export async function prepare(server, { turfs, entrances, doors, phonesOfTurf = 1, turfsOfShift = 25, register }) {
  const shift = await runningShift(server);
  const db = server.database;
  const district = await db.one(`SELECT district FROM turf WHERE ${db.hex('campaign')} = '${shift.campaign}' LIMIT 1`);
  const now = Date.now();
  const fill = filler(server);
  const { id } = fill;
  const rows = Object.fromEntries(['shift', 'turf', 'shift_turf', 'device', 'entrance', 'turf_entrance', 'unit'].map((table) => [table, /** @type {string[]} */ ([])]));
  const phones = /** @type {Phone[]} */ ([]);
  const there = [...(register ?? [])];
  let current = '';
  for (let at = 0; at < turfs; at += 1) {
    if (at % turfsOfShift === 0) {
      current = idAt(now);
      rows.shift.push(`${id(current)}, ${id(shift.campaign)}, 'door', ${now - 3_600_000}, ${now + 8 * 3_600_000}, 'Målestedet', 200, 'BN${String(at / turfsOfShift).padStart(2, '0')}'`);
    }
    const turf = idAt(now);
    rows.turf.push(`${id(turf)}, ${id(shift.campaign)}, '${district}', ${9000 + at}, 'Måling ${at + 1}'`);
    rows.shift_turf.push(`${id(current)}, ${id(turf)}`);
    const all = /** @type {Door[]} */ ([]);
    for (let position = 0; position < entrances; position += 1) {
      const [known, units] = there[at * entrances + position] ?? [undefined, Array.from({ length: doors }, () => idAt(now))];
      const entrance = known ?? idAt(now);
      if (!known) {
        const [lat, lon] = [59.9 + ((at * entrances + position) * 7919 % 100_003) / 1e6, 10.7 + ((at * entrances + position) * 104_729 % 100_003) / 1e6];
        rows.entrance.push(`${id(entrance)}, 'bench', '${at}-${position}', '0301', 'Målegata ${Math.floor(position / 40) + 1}', ${(position % 40) + 1}, '', '0562', 'Oslo', '${district}', ${lat}, ${lon}, ${now}`);
        rows.unit.push(...units.map((unit, door) => `${id(unit)}, ${id(entrance)}, ${label(door)}`));
      }
      rows.turf_entrance.push(`${id(turf)}, ${id(entrance)}, ${position}`);
      all.push(...units.map((unit) => ({ entrance: dashed(entrance), unit: dashed(unit) })));
    }
    for (let phone = 0; phone < phonesOfTurf; phone += 1) {
      const [device, credential] = [idAt(now), randomBytes(32)];
      const hash = createHash('sha256').update(credential).digest('hex');
      rows.device.push(`${id(device)}, ${id(current)}, ${id(turf)}, 'Z${phones.length}', ${fill.bytes(hash)}, 'admitted', ${now}, ${now}`);
      phones.push({ device, turf, bearer: credential.toString('base64url'), campaign: dashed(shift.campaign), doors: all });
    }
  }
  fill.insert('shift (id, campaign, kind, starts_at, ends_at, meeting_place, capacity, selector)', rows.shift);
  fill.insert('turf (id, campaign, district, number, name)', rows.turf);
  fill.insert('shift_turf (shift, turf)', rows.shift_turf);
  fill.insert('entrance (id, origin, source_id, municipality, street, number, letter, postcode, post_town, district, lat, lon, updated_at)', rows.entrance);
  fill.insert('turf_entrance (turf, entrance, position)', rows.turf_entrance);
  fill.insert('unit (id, entrance, label, floor, position)', rows.unit);
  fill.insert('device (id, shift, turf, sign, credential_hash, state, joined_at, last_seen_at)', rows.device);
  await fill.commit();
  return phones;
}

/** A phone's visits, one at each of these doors, as it has them in its outbox. @param {Phone} phone @param {Door[]} doors @param {number} before how many it noted before */
export function visits(phone, doors, before = 0) {
  const now = Date.now();
  return doors.map((door, index) => {
    const seq = before + index + 1;
    const body = { campaign: phone.campaign, turf: dashed(phone.turf), ...door, outcome: OUTCOMES[seq % OUTCOMES.length], occurred_at: now };
    return { id: dashed(idAt(now + seq)), kind: 'visit', version: 1, device_seq: seq, captured_at: now, bytes: JSON.stringify(body) };
  });
}

/** The bodies of the pushes that send these entries. @param {ReturnType<typeof visits>} entries @param {number} [batch] */
export function pushes(entries, batch = BATCH) {
  return Array.from({ length: Math.ceil(entries.length / batch) }, (_, at) => {
    const part = entries.slice(at * batch, (at + 1) * batch);
    const have = { min_unacked: part[0].device_seq, max_issued: entries[entries.length - 1].device_seq, unsent: entries.length - at * batch };
    return Buffer.from(JSON.stringify({ proto: 1, build: 'bench', have, entries: part }));
  });
}

/** What the answers to pushes say was applied. @param {Buffer[]} answers */
export function applied(answers) {
  return answers.flatMap((answer) => JSON.parse(answer.toString()).results).filter((/** @type {any} */ result) => ['applied', 'merged'].includes(result.status)).length;
}

/**
 * Pushes all bodies of all phones, each phone's in its order, all phones at once.
 * @param {number[]} ports of the server processes; phones are dealt out among them @param {{ bearer: string, bodies: Buffer[] }[]} work @param {number} expected how many visits must be applied
 */
export async function pushAll(ports, work, expected) {
  const agent = connections();
  const lists = work.map(({ bearer, bodies }, at) => bodies.map((body) => ({ port: ports[at % ports.length], bearer, body })));
  const { seconds, answers } = await drain(lists, ({ port, bearer, body }) => ask(port, agent, '/sync/v1/push', { headers: { authorization: `Bearer ${bearer}` }, body }));
  agent.destroy();
  const found = applied(answers);
  if (found !== expected) throw new Error(`${found} of ${expected} visits were applied`);
  return expected / seconds;
}

/** A pull, packed. @param {number} port @param {import('node:http').Agent} agent @param {Phone} phone @param {string | null} cursor @param {string | null} bundle the tag that the phone has */
export function pull(port, agent, phone, cursor = null, bundle = null) {
  const body = Buffer.from(JSON.stringify({ proto: 1, build: '1', bundle, turfs: { [dashed(phone.turf)]: cursor } }));
  return ask(port, agent, '/sync/v1/pull', { headers: { authorization: `Bearer ${phone.bearer}`, 'accept-encoding': 'gzip' }, body });
}
