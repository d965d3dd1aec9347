// What the browser tests tried and what was lost: rows for docs/reliability.md (the form is described in
// tests/support/reliability.rs).
import assert from 'node:assert/strict';
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
   * One more run of a fault. It is told whatever came of it, and then whoever lost or doubled anything fails.
   * @param {string} fault @param {string} tried @param {number} times how often it was injected
   * @param {{ lost: number, duplicated: number }} found
   */
  add(fault, tried, times, { lost, duplicated }) {
    const known = this.#rows.find((row) => row.fault === fault && row.tried === tried);
    if (known) {
      known.runs += 1;
      known.times += times;
      known.lost += lost;
      known.duplicated += duplicated;
    } else {
      this.#rows.push({ fault, tried, runs: 1, times, lost, duplicated });
    }
    assert.deepEqual({ lost, duplicated }, { lost: 0, duplicated: 0 }, fault);
  }

  /** A suite of which only some tests were run has nothing to say. */
  write() {
    if (process.execArgv.some((given) => given.startsWith('--test-name-pattern')) || !this.#rows.length) return;
    const folder = `${TARGET}/reliability`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${this.suite}.json`, JSON.stringify({ title: this.title, about: this.about, rows: this.#rows }, null, 2));
  }
}
