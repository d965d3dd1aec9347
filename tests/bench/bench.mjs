// `make bench`: measures, compares with the bars, writes target/bench/results.json and the table in docs/benchmarks.md.
//
// A part is a module with `name`, `about` (what it measures and with how much, one line) and `run(report)`; see
// lib/report.mjs for what it may say. A new part is one import and one word in the list.
import { isTrial } from './lib/figures.mjs';
import { Report } from './lib/report.mjs';
import * as comeback from './comeback.mjs';
import * as demo from './demo.mjs';
import * as download from './download.mjs';
import * as growth from './growth.mjs';
import * as locate from './locate.mjs';
import * as peers from './peers.mjs';
import * as phone from './phone.mjs';
import * as postgres from './postgres.mjs';
import * as push from './push.mjs';
import * as reconnect from './reconnect.mjs';
import * as register from './register.mjs';
import * as visit from './visit.mjs';

const PARTS = [
  visit,
  phone,
  push,
  peers,
  download,
  reconnect,
  comeback,
  postgres,
  growth,
  register,
  locate,
  demo,
];

const wanted = process.argv.slice(2);
const names = PARTS.map((part) => part.name);
const strange = wanted.find((name) => !names.includes(name));
if (strange) {
  console.error(`there is no part ${strange}; there are: ${names.join(', ')}`);
  process.exit(2);
}

const report = new Report();
for (const part of PARTS) if (wanted.length === 0 || wanted.includes(part.name)) await report.run(part);
report.writeJson();
// The table is of one whole run, with the sizes that it names.
if (wanted.length === 0 && !isTrial) report.writeTable();
for (const missed of report.missed) console.error(`missed: ${missed}`);
process.exit(report.missed.length ? 1 : 0);
