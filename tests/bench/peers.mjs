// The same visits pushed to Dørbank, to pouchdb-server and to Kinto, in one run, one after the other.
import { median, round, size, spread } from './lib/figures.mjs';
import { BATCH } from './lib/phones.mjs';
import * as install from './peers/install.mjs';
import * as kinto from './peers/kinto.mjs';
import * as pouchdb from './peers/pouchdb.mjs';
import { stagePush } from './push.mjs';

const RUNS = size('PEERS_RUNS', 3);
/** Kinto would take ten minutes for as many as the others store in seconds; its rate is the same for a few thousand. */
const KINTO_RECORDS_OF_PHONE = size('KINTO_RECORDS', 100);

export const name = 'peers';
export const about = `the entries of the push part as documents in _bulk_docs of ${BATCH} to pouchdb-server on LevelDB, and as records in batches of ${kinto.BATCH} to Kinto on PostgreSQL `
  + `(gunicorn, a worker a core; the first ${KINTO_RECORDS_OF_PHONE} of each phone), by as many clients; a database or collection for each phone`;

/** Installs a peer, or says why it is not here. @param {import('./lib/report.mjs').Report} report @param {string} title @param {() => Promise<string>} bring */
async function brought(report, title, bring) {
  try {
    return await bring();
  } catch (error) {
    report.absent(title, `could not be installed: ${String(error instanceof Error ? error.message : error).split('\n').slice(0, 2).join(' ')}`);
    return undefined;
  }
}

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const folders = { pouchdb: await brought(report, 'beside pouchdb-server', install.pouchdb), kinto: await brought(report, 'beside Kinto', install.kinto) };
  if (!folders.pouchdb && !folders.kinto) return;
  const { stage, outboxes, rows, push } = await stagePush();
  const documents = pouchdb.documents(outboxes);
  const some = outboxes.map(({ entries }) => ({ entries: entries.slice(0, KINTO_RECORDS_OF_PHONE) }));
  const records = kinto.batches(some);
  const bytes = documents.flat().reduce((sum, body) => sum + body.length, 0) / rows;
  const ours = /** @type {number[]} */ ([]);
  const theirs = { loose: /** @type {number[]} */ ([]), sync: /** @type {number[]} */ ([]), kinto: /** @type {number[]} */ ([]) };
  let said = '';
  try {
    await push();
    for (let at = 0; at < RUNS; at += 1) {
      ours.push(await push());
      await stage.server.kill();
      if (folders.pouchdb) {
        theirs.loose.push(await pouchdb.push(folders.pouchdb, documents, rows, false));
        theirs.sync.push(await pouchdb.push(folders.pouchdb, documents, rows, true));
      }
      if (folders.kinto) {
        const one = await kinto.push(folders.kinto, records, some.length * some[0].entries.length);
        theirs.kinto.push(one.rate);
        said = one.sync;
      }
    }
  } finally {
    await stage.close();
  }
  /** @param {string} title @param {number[]} rates @param {number} bar @param {string} aim @param {string} more */
  const beside = (title, rates, bar, aim, more) => {
    if (!rates.length) return;
    const ratios = ours.map((rate, at) => rate / rates[at]);
    report.figure({
      name: `push beside ${title}`, value: round(median(ours)), unit: 'visits/s', baseline: round(median(rates)), of: 'its rate', ratio: median(ratios),
      atLeast: bar, bar: `at least ${bar} times`, aim, noise: `ours ${spread(ours)}; theirs ${spread(rates)}; times ${spread(ratios, 2)}; ${more}`,
    });
  };
  const each = `${round(bytes)} bytes a document`;
  beside('pouchdb-server, as it comes', theirs.loose, 1.5, '3', `${each}; LevelDB does not wait for the disk: a power cut may take what was acknowledged`);
  beside('pouchdb-server, made to wait for the disk', theirs.sync, 1.5, '3', `${each}; what was acknowledged survives a power cut`);
  beside('Kinto on PostgreSQL', theirs.kinto, 3, '', `${some.length * some[0].entries.length} records a run; ${said}: what was acknowledged survives a power cut`);
}
