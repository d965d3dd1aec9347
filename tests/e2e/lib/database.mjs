// Looking into the server's database from outside, with the database's own program: what the server says about itself
// is never the proof.
import { run } from './run.mjs';

/** @param {string} address `sqlite:PATH` or `postgres://…` */
export function database(address) {
  const sqlite = address.startsWith('sqlite:');
  const path = address.replace(/^sqlite:(\/\/)?/, '');
  /** @param {string} sql @returns {Promise<Record<string, any>[]>} */
  const rows = async (sql) => {
    if (sqlite) {
      const out = await run('sqlite3', ['-readonly', '-json', '-cmd', '.timeout 10000', path, sql]);
      return out.trim() ? JSON.parse(out) : [];
    }
    const out = await run('psql', ['-X', '-q', '-t', '-A', address, '-c', `SELECT COALESCE(json_agg(t), '[]') FROM (${sql}) t`]);
    return JSON.parse(out);
  };
  return {
    sqlite,
    rows,
    /** The single value of a query. @param {string} sql @returns {Promise<any>} */
    one: async (sql) => Object.values((await rows(sql))[0] ?? {})[0],
    /** A 16-byte id as hexadecimal, in either dialect. @param {string} column */
    hex: (column) => (sqlite ? `lower(hex(${column}))` : `replace(CAST(${column} AS TEXT), '-', '')`),
  };
}

/** @typedef {ReturnType<typeof database>} Database */

/**
 * The state of the door work: what must neither lose nor double anything.
 * @param {Database} db
 */
export async function doorWork(db) {
  const visits = await db.rows(`SELECT ${db.hex('id')} AS id, outcome, device_seq, ${db.hex('device')} AS device FROM visit WHERE device IS NOT NULL`);
  const receipts = await db.rows(`SELECT ${db.hex('id')} AS id, status, device_seq, ${db.hex('device')} AS device FROM receipt`);
  const quarantined = Number(await db.one('SELECT COUNT(*) AS n FROM quarantine'));
  return { visits, receipts, quarantined };
}

/** How many sealed inputs wait, and how many tickets are spent. @param {Database} db */
export async function inputs(db) {
  return {
    spool: Number(await db.one('SELECT COUNT(*) AS n FROM spool')),
    spent: Number(await db.one('SELECT COUNT(*) AS n FROM ticket WHERE envelope_hash IS NOT NULL')),
  };
}
