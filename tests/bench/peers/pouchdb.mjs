// pouchdb-server, as npm has it, on LevelDB. Every phone has a database of its own, as apps on PouchDB have it; one for all
// phones was slower.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../e2e/lib/net.mjs';
import { ask, connections, drain } from '../lib/load.mjs';
import { BATCH } from '../lib/phones.mjs';
import { serve } from './process.mjs';

const SYNC = join(dirname(fileURLToPath(import.meta.url)), 'sync.cjs');

/** What a phone's outbox is here: bodies of `_bulk_docs`. @param {{ entries: { id: string }[] }[]} outboxes */
export const documents = (outboxes) => outboxes.map(({ entries }) => Array.from({ length: Math.ceil(entries.length / BATCH) }, (_, at) => {
  const docs = entries.slice(at * BATCH, (at + 1) * BATCH).map(({ id, ...rest }) => ({ _id: id, ...rest }));
  return Buffer.from(JSON.stringify({ docs }));
}));

/**
 * Documents a second, from an empty folder.
 * @param {string} folder where it is installed @param {Buffer[][]} work @param {number} rows @param {boolean} sync whether LevelDB waits for the disk
 */
export async function push(folder, work, rows, sync) {
  const data = mkdtempSync(join(tmpdir(), 'dorbank-pouchdb-'));
  const port = await freePort();
  writeFileSync(`${data}/config.json`, JSON.stringify({ log: { level: 'error', file: `${data}/log.txt` } }));
  const program = [...(sync ? ['--require', SYNC] : []), `${folder}/node_modules/pouchdb-server/bin/pouchdb-server`];
  const stop = await serve(process.execPath, [...program, '--port', String(port), '--dir', data, '--config', `${data}/config.json`, '--no-stdout-logs'], { cwd: folder, port, path: '/' });
  const agent = connections();
  try {
    for (const at of work.keys()) {
      const made = await ask(port, agent, `/phone${at}`, { method: 'PUT' });
      if (made.status !== 201) throw new Error(`no database: ${made.status} ${made.body}`);
    }
    const lists = work.map((bodies, at) => bodies.map((body) => ({ at, body })));
    const { seconds, answers } = await drain(lists, ({ at, body }) => ask(port, agent, `/phone${at}/_bulk_docs`, { body }), 201);
    const stored = answers.flatMap((answer) => JSON.parse(answer.toString())).filter((one) => one.ok).length;
    if (stored !== rows) throw new Error(`pouchdb-server stored ${stored} of ${rows} documents`);
    return rows / seconds;
  } finally {
    agent.destroy();
    await stop();
    rmSync(data, { recursive: true, force: true });
  }
}
