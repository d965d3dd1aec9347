// Import of a million addresses: its time beside the sqlite3 shell's with the same rows and tables, its memory, and how long
// it keeps phones waiting. And a municipality from end to end.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BINARY, SITE } from '../e2e/lib/paths.mjs';
import { run as command } from '../e2e/lib/run.mjs';
import { median, round, size, spread } from './lib/figures.mjs';

export const name = 'register';
export const about = 'a million addresses and a municipality brought in, beside the sqlite3 shell with the same rows and tables';

const ROWS = size('ROWS', 1_000_000);
const RUNS = size('IMPORTS', 3);
/** Elverum has so many addresses. */
const MUNICIPALITY = 10_871;
const HEADER = 'lokalid;kommunenummer;kommunenavn;adressetype;adressetilleggsnavn;adressetilleggsnavnKilde;adressekode;adressenavn;nummer;bokstav;gardsnummer;bruksnummer;festenummer;undernummer;adresseTekst;adresseTekstUtenAdressetilleggsnavn;EPSG-kode;Nord;Øst;postnummer;poststed;grunnkretsnummer;grunnkretsnavn;soknenummer;soknenavn;organisasjonsnummer;tettstednummer;tettstednavn;valgkretsnummer;valgkretsnavn;oppdateringsdato;datauttaksdato;adresseId;uuidAdresse;atkomstId;uuidAtkomst;atkomstNord;atkomstØst;sommeratkomstId;uuidSommeratkomst;sommeratkomstNord;sommeratkomstØst;vinteratkomstId;uuidVinteratkomst;vinteratkomstNord;vinteratkomstØst';

/** A row of the published form, the same for the same number. @param {number} n */
function row(n) {
  const [street, number] = [`Prøvegata ${n >> 6}`, 1 + (n & 63)];
  const north = (6_760_000 + ((n * 7_919) % 60_000) + 0.37).toFixed(2);
  const east = (300_000 + ((n * 104_729) % 50_000) + 0.11).toFixed(2);
  const id = 400_000_000 + n;
  return `${id};9999;PRØVE;vegadresse;;;${n >> 6};${street};${number};;${1 + (n % 300)};${n >> 3};;;${street} ${number};${street} ${number};25833;${north};${east};2410;PRØVE;99990104;Prøvekrets;03040101;Prøve;876988062;;;5;Prøve;29.03.2023 22:05:36.367;12.06.2025 09:03:43;${id};2367b90e-99fd-52c5-9863-c95118aeb6bf;;;;;;;;;;;;`;
}

/** Writes a file of so many rows. @param {string} path @param {number} rows */
async function generate(path, rows) {
  const out = createWriteStream(path);
  out.write(`\ufeff${HEADER}\r\n`);
  for (let first = 0; first < rows; first += 5_000) {
    const part = Array.from({ length: Math.min(5_000, rows - first) }, (_, at) => row(first + at));
    if (!out.write(`${part.join('\r\n')}\r\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

/**
 * Runs an import. The longest time for which it held the writer is what it logs itself, from the moment it has the write lock
 * to the end of the commit. @param {string} folder @param {string} file
 * @returns {Promise<{ seconds: number, megabytes: number, heldMs: number, said: string }>}
 */
async function importOnce(folder, file) {
  const args = ['import', 'addresses', file, '--database', `sqlite:${folder}/import.db`, '--data', `${folder}/data`, '--site', SITE, '--report', `${folder}/report.csv`];
  const begun = performance.now();
  const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, RUST_LOG: 'dorbank_server::import=debug', NO_COLOR: '1' } });
  let [said, log, kilobytes] = ['', '', 0];
  child.stdout.on('data', (bytes) => (said += bytes));
  child.stderr.on('data', (bytes) => (log += bytes));
  const look = setInterval(() => {
    try {
      kilobytes = Math.max(kilobytes, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch {
      // It has just ended.
    }
  }, 20);
  const [code] = await once(child, 'close');
  clearInterval(look);
  const seconds = (performance.now() - begun) / 1000;
  if (code !== 0) throw new Error(`the import failed: ${said}${log}`);
  const held = [...log.matchAll(/held_us=(\d+)/g)].map((match) => Number(match[1]) / 1000);
  if (held.length === 0) throw new Error(`the import did not say how long it held the writer: ${log.slice(0, 500)}`);
  return { seconds, megabytes: kilobytes / 1024, heldMs: Math.max(...held), said };
}

/** The sqlite3 shell with the same rows: into a table of its own, and from there into ours; one transaction. Its ids grow, as
 * ours do. @param {string} folder @param {string} file @returns {Promise<number>} seconds */
async function shellOnce(folder, file) {
  const path = `${folder}/shell.db`;
  await command(BINARY, ['officer', 'list', '--database', `sqlite:${path}`, '--data', `${folder}/data`, '--site', SITE]);
  const script = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
BEGIN;
.mode csv
.separator ;
.import ${file} staging
INSERT INTO entrance (id, origin, source_id, municipality, street, number, letter, postcode, post_town, grunnkrets, lat, lon, property, since, updated_at)
  SELECT CAST(printf('e%015d', rowid) AS BLOB), 'kartverket', adresseId, kommunenummer, adressenavn, CAST(nummer AS INTEGER), bokstav, postnummer, poststed,
  grunnkretsnummer, CAST(Nord AS REAL), CAST("Øst" AS REAL), gardsnummer || '/' || bruksnummer || '/0', 0, 0 FROM staging;
INSERT INTO unit (id, entrance, label, floor, position) SELECT CAST(printf('u%015d', rowid) AS BLOB), id, '', 1, 1 FROM entrance;
DROP TABLE staging;
COMMIT;
SELECT COUNT(*) FROM unit;`;
  const begun = performance.now();
  const said = await command('sqlite3', [path], { input: script });
  const seconds = (performance.now() - begun) / 1000;
  if (!said.trim().endsWith(String(ROWS))) throw new Error(`the shell did not import all: ${said}`);
  return seconds;
}

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const folder = mkdtempSync(join(tmpdir(), 'dorbank-import-'));
  const [seconds, megabytes, held, shell, municipality] = /** @type {number[][]} */ ([[], [], [], [], []]);
  try {
    const file = `${folder}/million.csv`;
    await generate(file, ROWS);
    const real = process.env.DORBANK_REAL_DATA ? `${process.env.DORBANK_REAL_DATA}/kartverket_elverum_25833.csv` : '';
    const small = existsSync(real) ? real : `${folder}/municipality.csv`;
    if (small !== real) await generate(small, MUNICIPALITY);
    for (let at = 0; at < RUNS; at += 1) {
      const inside = (start) => mkdtempSync(join(folder, start));
      const place = inside('ours-');
      const one = await importOnce(place, file);
      if (!one.said.includes(`${ROWS}  new entrances`)) throw new Error(`not all were imported: ${one.said}`);
      seconds.push(one.seconds);
      megabytes.push(one.megabytes);
      held.push(one.heldMs);
      rmSync(place, { recursive: true });
      const other = inside('shell-');
      shell.push(await shellOnce(other, file));
      rmSync(other, { recursive: true });
      const third = inside('small-');
      municipality.push((await importOnce(third, small)).seconds);
      rmSync(third, { recursive: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  report.figure({ name: `import of ${ROWS} addresses`, value: round(median(seconds), 1), unit: 's', baseline: round(median(shell), 1), of: 'the sqlite3 shell', atMost: 5, bar: 'at most 5 times the sqlite3 shell', noise: `${spread(seconds, 1)}; the shell ${spread(shell, 1)}` });
  report.figure({ name: `import of ${ROWS} addresses, resident memory`, value: round(median(megabytes)), unit: 'MB', baseline: 200, atMost: 1, bar: 'at most 200', noise: spread(megabytes) });
  report.figure({ name: `import of ${ROWS} addresses, longest time that phones wait`, value: round(median(held)), unit: 'ms', baseline: 1000, atMost: 1, bar: 'at most 1 000', noise: spread(held) });
  report.figure({ name: `import of a municipality of ${MUNICIPALITY} addresses`, value: round(median(municipality), 2), unit: 's', baseline: 2, atMost: 1, bar: 'at most 2', noise: spread(municipality, 2) });
}
