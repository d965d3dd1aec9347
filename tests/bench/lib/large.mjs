// A turf of twenty thousand doors, and a phone that fetches all of it.
import { gunzipSync } from 'node:zlib';
import { connections } from './load.mjs';
import { prepare, pull } from './phones.mjs';

export const ENTRANCES = 1_000;
export const DOORS_OF_ENTRANCE = 20;
export const DOORS = ENTRANCES * DOORS_OF_ENTRANCE;

/** Two phones in the one large turf. @param {import('../../e2e/lib/server.mjs').Server} server */
export const largeTurf = (server) => prepare(server, { turfs: 1, entrances: ENTRANCES, doors: DOORS_OF_ENTRANCE, phonesOfTurf: 2 });

/**
 * Pulls until the server says that this is all, as the app does.
 * @param {number} port @param {import('./phones.mjs').Phone} phone @param {{ cursor: string | null, tag: string | null }} [has]
 * @returns {Promise<{ ms: number, bytes: number, rows: number, doors: number, cursor: string | null, tag: string | null }>} `ms` until the last byte is here; unpacking is not counted
 */
export async function fetchAll(port, phone, { cursor, tag } = { cursor: null, tag: null }) {
  const agent = connections();
  const got = { ms: 0, bytes: 0, rows: 0, doors: 0, cursor, tag };
  try {
    for (;;) {
      const begun = performance.now();
      const answer = await pull(port, agent, phone, got.cursor, got.tag);
      got.ms += performance.now() - begun;
      if (answer.status !== 200) throw new Error(`a pull answered ${answer.status}`);
      got.bytes += answer.body.length;
      const packed = answer.headers['content-encoding'] === 'gzip';
      const { bundle, turfs } = JSON.parse((packed ? gunzipSync(answer.body) : answer.body).toString());
      if (bundle) {
        got.tag = bundle.tag;
        got.doors = bundle.turfs[0].entrances.reduce((/** @type {number} */ sum, /** @type {any} */ entrance) => sum + entrance.units.length, 0);
      }
      got.rows += turfs[0].rows.length;
      got.cursor = turfs[0].next;
      if (turfs[0].complete) return got;
    }
  } finally {
    agent.destroy();
  }
}
