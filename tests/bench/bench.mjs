// `make bench`: measures, compares with the bars, writes target/bench/results.json and the table in docs/benchmarks.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { ROOT, TARGET } from '../e2e/lib/paths.mjs';
import { firstVisit } from '../e2e/lib/size.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { phone } from './phone.mjs';
import { ABOUT, pushOnce } from './push.mjs';

const VISITS = 3;
const STARTS = 7;
const TAPS = 120;
const PUSHES = 5;
const wanted = process.argv.slice(2);
const is = (part) => wanted.length === 0 || wanted.includes(part);

const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => quantile(values, 0.5);
/** @param {number[]} values @param {number} q */
function quantile(values, q) {
  const all = sorted(values);
  const at = (all.length - 1) * q;
  const low = Math.floor(at);
  return all[low] + (all[Math.min(low + 1, all.length - 1)] - all[low]) * (at - low);
}
const round = (value, digits) => Number(value.toFixed(digits));
/** From lowest to highest, for the noise column. */
const spread = (values, digits) => `${round(Math.min(...values), digits)} to ${round(Math.max(...values), digits)}, n = ${values.length}`;

/** @type {{ name: string, value: number, unit: string, baseline: number, ratio: number, noise: string, bar: string, more: boolean, aim?: string }[]} */
const results = [];
/** @param {string} name @param {number} value @param {string} unit @param {number} baseline @param {object} more */
function result(name, value, unit, baseline, { noise, bar, aim = '', atLeast = false, ratio = value / baseline }) {
  results.push({ name, value, unit, baseline, ratio: round(ratio, 3), noise, bar, aim, more: atLeast });
  console.log(`${name}: ${value} ${unit} (${bar}; ${noise})`);
}

if (is('visit')) {
  const totals = [];
  for (let run = 0; run < VISITS; run += 1) {
    const server = await Server.start();
    totals.push((await firstVisit(server)).total);
    await server.stop();
  }
  result('first field visit, brotli, all files', median(totals), 'bytes', 300_000, { noise: spread(totals, 0), bar: 'at most 300 000', aim: '200 000' });
}
if (is('phone')) {
  const { starts, taps } = await phone({ starts: STARTS, taps: TAPS });
  result('cold offline start to a usable list, processor 4 times slower', round(median(starts), 0), 'ms', 1500, { noise: spread(starts, 0), bar: 'at most 1 500' });
  result('tap to durable write, p95, processor 4 times slower', round(quantile(taps, 0.95), 1), 'ms', 50, { noise: `median ${round(median(taps), 1)}, ${spread(taps, 1)}`, bar: 'at most 50' });
}
if (is('push')) {
  await pushOnce();
  const runs = [];
  for (let run = 0; run < PUSHES; run += 1) runs.push(await pushOnce());
  const shares = runs.map(({ raw, push }) => push / raw);
  result('push of visits over HTTP', round(median(runs.map((one) => one.push)), 0), 'visits/s', round(median(runs.map((one) => one.raw)), 0), { noise: `share ${spread(shares, 3)}`, bar: 'share at least 0.12', aim: '0.25', atLeast: true, ratio: median(shares) });
}

mkdirSync(`${TARGET}/bench`, { recursive: true });
writeFileSync(`${TARGET}/bench/results.json`, `${JSON.stringify(results.map(({ name, value, unit, baseline, ratio }) => ({ name, value, unit, baseline, ratio })), null, 2)}\n`);

if (wanted.length === 0) {
  const file = `${ROOT}/docs/benchmarks.md`;
  const memory = `${cpus().length} cores (${cpus()[0].model.trim()})`;
  const rows = results.map((one) => `| ${one.name} | ${one.value} ${one.unit} | ${one.bar}${one.aim ? `, aim ${one.aim}` : ''} | ${one.more ? `share ${one.ratio} of ${one.baseline}` : one.ratio} | ${one.noise} |`);
  const table = ['', `Measured ${new Date().toISOString().slice(0, 10)} on ${memory}, Chromium; push: ${ABOUT}.`, '', '| What | Median | Bar | Of the bar | Noise |', '| --- | --- | --- | --- | --- |', ...rows, ''].join('\n');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/(<!-- results -->)[\s\S]*(<!-- end of results -->)/, `$1\n${table}\n$2`));
}
const missed = results.filter((one) => (one.more ? one.ratio < 0.12 : one.ratio > 1));
for (const one of missed) console.error(`missed: ${one.name}, ${one.bar}`);
process.exit(missed.length ? 1 : 0);
