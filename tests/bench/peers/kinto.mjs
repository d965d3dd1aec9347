// Kinto on PostgreSQL behind gunicorn, a worker for each core. Every phone has a collection of its own; in one for all,
// writers wait for each other's time stamps and some lose.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../e2e/lib/net.mjs';
import { Cluster } from '../../e2e/lib/postgres.mjs';
import { run } from '../../e2e/lib/run.mjs';
import { ask, connections, drain } from '../lib/load.mjs';
import { serve } from './process.mjs';

/** Records of one request; its default is 25. */
export const BATCH = 100;
const USER = { authorization: `Basic ${Buffer.from('bench:bench').toString('base64')}` };

/** The settings: its own defaults, but for the size of a batch, and a basic login, which costs no password hash. @param {string} address */
const settings = (address) => `[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = ${address}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = ${address}
kinto.cache_backend = kinto.core.cache.memory
kinto.batch_max_requests = ${BATCH}
kinto.explicit_permissions = false
kinto.bucket_create_principals = system.Authenticated
kinto.userid_hmac_secret = bench
multiauth.policies = basicauth
`;

/** What a phone's outbox is here: bodies of `/batch`. @param {{ entries: { id: string }[] }[]} outboxes */
export const batches = (outboxes) => outboxes.map(({ entries }, at) => Array.from({ length: Math.ceil(entries.length / BATCH) }, (_, batch) => {
  const requests = entries.slice(batch * BATCH, (batch + 1) * BATCH).map(({ id, ...data }) => ({ path: `/buckets/bench/collections/phone${at}/records/${id}`, body: { data } }));
  return Buffer.from(JSON.stringify({ defaults: { method: 'PUT' }, requests }));
}));

/**
 * Records a second, into an empty database.
 * @param {string} folder where it is installed @param {Buffer[][]} work @param {number} rows
 * @returns {Promise<{ rate: number, sync: string }>} `sync` is what the database says of its own settings
 */
export async function push(folder, work, rows) {
  const home = mkdtempSync(join(tmpdir(), 'dorbank-kinto-'));
  const cluster = await Cluster.start();
  const agent = connections();
  /** @type {() => Promise<void>} */ let stop = async () => {};
  try {
    const address = (await cluster.create('kinto')).replace('postgres:', 'postgresql:');
    const says = async (/** @type {string} */ setting) => `${setting} = ${(await run('psql', ['-X', '-A', '-t', address, '-c', `SHOW ${setting}`])).trim()}`;
    const sync = `${await says('fsync')}, ${await says('synchronous_commit')}`;
    await run('psql', ['-q', '-X', address, '-c', "ALTER DATABASE kinto SET timezone TO 'UTC'"]);
    writeFileSync(`${home}/kinto.ini`, settings(address));
    writeFileSync(`${home}/app.py`, `from pyramid.paster import get_app\napplication = get_app('${home}/kinto.ini', 'main')\n`);
    await run(`${folder}/bin/kinto`, ['migrate', '--ini', `${home}/kinto.ini`], { cwd: home });
    const port = await freePort();
    const args = ['--workers', String(cpus().length), '--worker-class', 'gthread', '--threads', '4', '--timeout', '300', '--log-level', 'error', '--bind', `127.0.0.1:${port}`, 'app:application'];
    stop = await serve(`${folder}/bin/gunicorn`, args, { cwd: home, port, path: '/v1/' });
    const open = Buffer.from(JSON.stringify({ permissions: { write: ['system.Authenticated'] } }));
    for (const path of ['/v1/buckets/bench', ...work.map((_, at) => `/v1/buckets/bench/collections/phone${at}`)]) {
      const made = await ask(port, agent, path, { method: 'PUT', headers: USER, body: open });
      if (made.status !== 201) throw new Error(`no ${path}: ${made.status} ${made.body}`);
    }
    const { seconds, answers } = await drain(work, (body) => ask(port, agent, '/v1/batch', { headers: USER, body }));
    const stored = answers.flatMap((answer) => JSON.parse(answer.toString()).responses).filter((one) => one.status === 201).length;
    if (stored !== rows) throw new Error(`Kinto stored ${stored} of ${rows} records`);
    return { rate: rows / seconds, sync };
  } finally {
    agent.destroy();
    await stop();
    await cluster.stop();
    rmSync(home, { recursive: true, force: true });
  }
}
