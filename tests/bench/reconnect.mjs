// A phone that was away for hours while others worked in its turf: what it fetches then.
import { Server } from '../e2e/lib/server.mjs';
import { median, round, size, spread } from './lib/figures.mjs';
import { DOORS, fetchAll, largeTurf } from './lib/large.mjs';
import { pushAll, pushes, visits } from './lib/phones.mjs';

const RUNS = size('RECONNECTS', 9);
const CHANGES = 200;
/** Doors that have been visited before. */
const VISITED = 5_000;

export const name = 'reconnect';
export const about = `a phone with ${DOORS} doors of one turf, ${VISITED} of them visited, pulls with its cursor what another phone has noted since at ${CHANGES} doors; the time away makes no difference to the server`;

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const server = await Server.start();
  const [first, again] = [[], []];
  try {
    const [away, other] = await largeTurf(server);
    let noted = 0;
    const note = async (/** @type {number} */ count) => {
      // All over the turf, as several pairs would.
      const doors = Array.from({ length: count }, (_, at) => other.doors[((noted + at) * 7919) % other.doors.length]);
      await pushAll([server.port], [{ bearer: other.bearer, bodies: pushes(visits(other, doors, noted)) }], count);
      noted += count;
    };
    await note(VISITED);
    let has = await fetchAll(server.port, away);
    for (let at = 0; at < RUNS; at += 1) {
      await note(CHANGES);
      const got = await fetchAll(server.port, away, has);
      if (got.rows !== CHANGES || got.doors !== 0) throw new Error(`${got.rows} rows and ${got.doors} doors came, not ${CHANGES} and none`);
      again.push(got);
      has = got;
      first.push(await fetchAll(server.port, away));
    }
  } finally {
    await server.stop();
  }
  for (const [unit, of] of /** @type {['bytes' | 'ms', string][]} */ ([['bytes', 'bytes'], ['ms', 'time']])) {
    const [values, all] = [again.map((one) => one[unit]), first.map((one) => one[unit])];
    const digits = unit === 'ms' ? 1 : 0;
    report.figure({ name: `reconnect with ${CHANGES} changes, ${of}`, value: round(median(values), digits), unit, baseline: round(median(all), digits), of: 'fetching all anew', noise: `${spread(values, digits)}; anew ${spread(all, digits)}` });
  }
}
