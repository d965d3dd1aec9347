// The bytes of a first visit.
import { BAR, firstVisit } from '../e2e/lib/size.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { median, size, spread } from './lib/figures.mjs';

export const name = 'visit';
export const about = 'all bytes of a first field visit, by a browser without a cache';

const RUNS = size('VISITS', 3);

/** @param {import('./lib/report.mjs').Report} report */
export async function run(report) {
  const totals = [];
  for (let run = 0; run < RUNS; run += 1) {
    const server = await Server.start();
    try {
      totals.push((await firstVisit(server)).total);
    } finally {
      await server.stop();
    }
  }
  report.figure({ name: 'first field visit, brotli, all files', value: median(totals), unit: 'bytes', baseline: BAR, atMost: 1, bar: 'at most 300 000', aim: '200 000', noise: spread(totals) });
}
