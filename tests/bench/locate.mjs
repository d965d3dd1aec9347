// How long it takes to find the districts of 100 000 points, by the outlines alone: Oslo's own where DORBANK_REAL_DATA names
// a folder that has them, else made-up ones of the same number.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { TARGET } from '../e2e/lib/paths.mjs';
import { median, round, spread } from './lib/figures.mjs';

const POINTS = 100_000;
const RUNS = 7;

export const name = 'locate';
export const about = `the districts of ${POINTS} points, by outlines alone`;

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const real = `${process.env.DORBANK_REAL_DATA ?? ''}/oslo_bydeler.geojson`;
  const outlines = process.env.DORBANK_REAL_DATA && existsSync(real) ? [real] : [];
  const { ms } = JSON.parse(execFileSync(`${TARGET}/release/dorbank-bench-locate`, [String(POINTS), String(RUNS), ...outlines], { encoding: 'utf8' }));
  const which = outlines.length ? "Oslo's 15 outlines" : '15 made-up outlines';
  report.figure({ name: `districts of ${POINTS} points, ${which}`, value: round(median(ms)), unit: 'ms', baseline: 1000, atMost: 1, bar: 'at most 1 000', noise: spread(ms) });
}
