#!/usr/bin/env node
// Writes docs/reliability.md from what the suites left in target/reliability/*.json (the format is described in
// tests/support/reliability.rs). The section of a suite that left nothing stays as it is in the document.
//   scripts/reliability.mjs            writes
//   scripts/reliability.mjs --check    only says whether what was measured last may be written
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "reliability");
const page = join(root, "docs", "reliability.md");

const intro = `# What was tried, and what was lost

Nothing that a volunteer saved may be lost, and nothing may be counted twice. Here is each fault that we make happen, how
often, and what it cost. **Lost**: entries that a phone had said were saved and that are nowhere afterwards, neither
counted nor set aside for the organiser ("Til avklaring"). **Twice**: entries that are there more than once.

No line of the tables is written by hand: each suite leaves its counts, and \`scripts/reliability.mjs\` puts them here.
Anyone can do the same: \`make soak\` runs everything and writes this page anew.
`;

/** Sections of the page as it is: suite -> text. */
function sections() {
  let text = "";
  try {
    text = readFileSync(page, "utf8");
  } catch {
    return new Map();
  }
  return new Map([...text.matchAll(/<!-- suite (\S+) -->\n([\s\S]*?)<!-- end -->/g)].map((m) => [m[1], m[2]]));
}

const cell = (value) => String(value).replaceAll("|", "\\|").replaceAll("\n", " ");
const number = (value) => Number(value).toLocaleString("en-GB");

function section(suite, file) {
  const json = JSON.parse(readFileSync(file, "utf8"));
  const { title = suite, about = "", rows } = Array.isArray(json) ? { rows: json } : json;
  const wrong = rows.filter((row) => !row.fault || !row.tried || !(row.runs > 0) || !(row.lost >= 0) || !(row.duplicated >= 0));
  if (wrong.length) throw new Error(`${suite}: a row without a run proves nothing: ${wrong.map((row) => row.fault).join("; ")}`);
  if (!rows.length) throw new Error(`${suite}: nothing was tried`);
  const day = statSync(file).mtime.toISOString().slice(0, 10);
  const lines = rows.map((row) =>
    [cell(row.fault), cell(row.tried), number(row.runs), row.times === undefined ? "" : number(row.times), number(row.lost), number(row.duplicated)].join(" | "));
  const times = rows.reduce((all, row) => all + (row.times ?? 0), 0);
  const counted = times > 0 ? `; ${number(times)} faults counted one by one` : "";
  return {
    rows,
    text: `## ${cell(title)}\n\n${about ? `${about} ` : ""}Measured ${day}${counted}.\n\n` +
      `| Fault | What was tried | Runs | Times | Lost | Twice |\n| --- | --- | ---: | ---: | ---: | ---: |\n` +
      `${lines.map((line) => `| ${line} |`).join("\n")}\n`,
  };
}

const all = sections();
let files = [];
try {
  files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
} catch {
  // No suite has run yet.
}
if (!files.length) {
  console.error(`reliability: nothing in ${folder}: run a suite first (make soak)`);
  process.exit(1);
}
let bad = 0;
for (const name of files) {
  const suite = name.slice(0, -".json".length);
  const { rows, text } = section(suite, join(folder, name));
  for (const row of rows.filter((row) => row.lost || row.duplicated)) {
    bad += 1;
    console.error(`reliability: ${suite}: ${row.fault}: ${row.lost} lost, ${row.duplicated} twice`);
  }
  all.set(suite, text);
}
if (!process.argv.includes("--check")) {
  const parts = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([suite, text]) => `<!-- suite ${suite} -->\n${text}<!-- end -->\n`);
  mkdirSync(dirname(page), { recursive: true });
  writeFileSync(page, `${intro}\n${parts.join("\n")}`);
  console.log(`wrote ${page}`);
}
process.exit(bad ? 1 : 0);
