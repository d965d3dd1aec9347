// What was measured: for machines (target/bench/results.json) and for people (the table in docs/benchmarks.md).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { ROOT, TARGET } from '../../e2e/lib/paths.mjs';
import { round } from './figures.mjs';

/**
 * @typedef {object} Figure
 * @property {string} name what was measured
 * @property {number} value as measured, the middle of all runs
 * @property {string} unit
 * @property {number} baseline what it is compared with
 * @property {string} [of] what the baseline is, in words; the bar itself if absent
 * @property {number} [ratio] value through baseline, or the middle of the runs' own
 * @property {number} [atMost] the bar: the highest ratio that passes
 * @property {number} [atLeast] the bar: the lowest ratio that passes. Without either the figure is only stated
 * @property {string} [bar] the bar in words
 * @property {string} [aim] what would be better than the bar
 * @property {string} noise how far the runs lay apart
 */

export class Report {
  /** @type {(Figure & { ratio: number, part: string })[]} */
  #figures = [];
  /** @type {{ part: string, name: string, why: string, failed: boolean }[]} */
  #absent = [];
  /** @type {{ name: string, seconds: number }[]} */
  #parts = [];
  /** @type {string[]} */
  #abouts = [];
  #part = '';

  /** Runs a part. One that fails does not keep the others from running. @param {{ name: string, about: string, run: (report: Report) => Promise<void> }} part */
  async run(part) {
    console.log(`== ${part.name}: ${part.about}`);
    this.#part = part.name;
    this.#abouts.push(`${part.name}: ${part.about}`);
    const begun = performance.now();
    try {
      await part.run(this);
    } catch (error) {
      console.error(error);
      this.#absent.push({ part: part.name, name: part.name, why: String(error instanceof Error ? error.message : error).split('\n')[0], failed: true });
    }
    this.#parts.push({ name: part.name, seconds: round((performance.now() - begun) / 1000) });
  }

  /** Notes a figure. @param {Figure} figure */
  figure(figure) {
    const ratio = round(figure.ratio ?? figure.value / figure.baseline, 3);
    this.#figures.push({ ...figure, ratio, part: this.#part });
    console.log(`${figure.name}: ${figure.value} ${figure.unit}, ${compared({ ...figure, ratio })}${figure.bar ? ` (${figure.bar})` : ''}; ${figure.noise}`);
  }

  /** Notes what could not be measured on this machine, which is nobody's failure. @param {string} name @param {string} why */
  absent(name, why) {
    this.#absent.push({ part: this.#part, name, why, failed: false });
    console.log(`${name}: not measured, ${why}`);
  }

  /** Every bar that was missed and every part that failed, in words. */
  get missed() {
    const over = this.#figures.filter(({ ratio, atMost, atLeast }) => !(ratio <= (atMost ?? Infinity) && ratio >= (atLeast ?? -Infinity)));
    return [...over.map((one) => `${one.name}: ${one.bar ?? ''}`), ...this.#absent.filter((one) => one.failed).map((one) => `${one.name}: ${one.why}`)];
  }

  /** For machines. */
  writeJson() {
    mkdirSync(`${TARGET}/bench`, { recursive: true });
    const plain = this.#figures.map(({ name, value, unit, baseline, ratio }) => ({ name, value, unit, baseline, ratio }));
    writeFileSync(`${TARGET}/bench/results.json`, `${JSON.stringify(plain, null, 2)}\n`);
  }

  /** For people, between the marks of docs/benchmarks.md. */
  writeTable() {
    const file = `${ROOT}/docs/benchmarks.md`;
    const machine = `${cpus().length} cores (${cpus()[0].model.trim()})`;
    const rows = this.#figures.map((one) => `| ${one.name} | ${one.value} ${one.unit} | ${one.bar ?? 'none'}${one.aim ? `, aim ${one.aim}` : ''} | ${compared(one)} | ${one.noise} |`);
    const absent = this.#absent.map((one) => `| ${one.name} | ${one.failed ? 'failed' : 'not measured'} | | | ${one.why.replaceAll('|', '/')} |`);
    const times = this.#parts.map((part) => `${part.name} ${part.seconds} s`).join(', ');
    const table = ['', `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Chromium.`, '', '| What | Median | Bar | Compared | Noise |', '| --- | --- | --- | --- | --- |', ...rows, ...absent, '',
      `Parts: ${times}.`, '', ...this.#abouts.map((about) => `- ${about}`), ''].join('\n');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/(<!-- results -->)[\s\S]*(<!-- end of results -->)/, (_, from, to) => `${from}\n${table}\n${to}`));
  }
}

/** A ratio in words. @param {Figure & { ratio: number }} figure */
function compared({ ratio, of, baseline, unit }) {
  return of ? `${ratio} of ${of}, ${baseline} ${unit}` : `${ratio} of the bar`;
}
