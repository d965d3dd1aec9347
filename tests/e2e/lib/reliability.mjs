// What the browser tests tried and what was lost: rows for docs/reliability.md (the form is described in
// tests/support/reliability.rs).
import { mkdirSync, writeFileSync } from 'node:fs';
import { TARGET } from './paths.mjs';

export class Reliability {
  /** @type {{ fault: string, tried: string, runs: number, times: number, lost: number, duplicated: number }[]} */
  #rows = [];

  /** @param {string} suite @param {string} title @param {string} about */
  constructor(suite, title, about) {
    Object.assign(this, { suite, title, about });
  }

  /**
   * One more run of a fault.
   * @param {string} fault @param {string} tried @param {number} times how often it was injected
   * @param {{ lost: number, duplicated: number }} found
   */
  add(fault, tried, times, { lost, duplicated }) {
    const known = this.#rows.find((row) => row.fault === fault && row.tried === tried);
    if (!known) return void this.#rows.push({ fault, tried, runs: 1, times, lost, duplicated });
    known.runs += 1;
    known.times += times;
    known.lost += lost;
    known.duplicated += duplicated;
  }

  write() {
    const folder = `${TARGET}/reliability`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${this.suite}.json`, JSON.stringify({ title: this.title, about: this.about, rows: this.#rows }, null, 2));
  }
}
