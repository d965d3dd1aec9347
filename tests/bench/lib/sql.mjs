// Filling a database from outside, with its own program, in either dialect.
import { randomBytes } from 'node:crypto';
import { run } from '../../e2e/lib/run.mjs';

const ROWS_OF_STATEMENT = 400;

/** Thirty-two hexadecimal digits with dashes, as the wire has them. @param {string} id */
export const dashed = (id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

let counted = 0;
/** A version 7 id as hexadecimal, as phones and the register make them: later ones are greater. @param {number} at milliseconds */
export function idAt(at) {
  const bytes = randomBytes(16);
  // The twelve bits after the time count, and carry into it, so that ids of one millisecond keep their order.
  counted += 1;
  bytes.writeUIntBE(at + Math.floor(counted / 0x1000), 0, 6);
  bytes.writeUInt16BE(0x7000 | (counted & 0xfff), 6);
  bytes[8] = 0x80 | (bytes[8] & 63);
  return bytes.toString('hex');
}

/** @param {import('../../e2e/lib/server.mjs').Server} server */
export function filler(server) {
  const { sqlite } = server.database;
  const lines = [sqlite ? 'PRAGMA foreign_keys = ON; BEGIN;' : 'BEGIN;'];
  return {
    /** An id as a literal. @param {string} hex */
    id: (hex) => (sqlite ? `x'${hex}'` : `'${hex}'`),
    /** Bytes as a literal. @param {string} hex */
    bytes: (hex) => (sqlite ? `x'${hex}'` : `'\\x${hex}'`),
    /** @param {string} into "table (columns)" @param {string[]} rows literals between commas */
    insert(into, rows) {
      for (let from = 0; from < rows.length; from += ROWS_OF_STATEMENT) {
        lines.push(`INSERT INTO ${into} VALUES (${rows.slice(from, from + ROWS_OF_STATEMENT).join('), (')});`);
      }
    },
    /** Runs all of it in one transaction. */
    async commit() {
      const input = [...lines, 'COMMIT;', ''].join('\n');
      if (sqlite) await run('sqlite3', ['-bail', server.address.replace('sqlite:', '')], { input });
      else await run('psql', ['-q', '-X', '-v', 'ON_ERROR_STOP=1', server.address], { input });
    },
  };
}
