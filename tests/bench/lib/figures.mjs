// Figures of many runs: their middle, their spread.

/** @param {number[]} values */
const sorted = (values) => [...values].sort((a, b) => a - b);

/** @param {number[]} values @param {number} q from 0 to 1 */
export function quantile(values, q) {
  const all = sorted(values);
  const at = (all.length - 1) * q;
  const low = Math.floor(at);
  return all[low] + (all[Math.min(low + 1, all.length - 1)] - all[low]) * (at - low);
}

/** @param {number[]} values */
export const median = (values) => quantile(values, 0.5);

/** @param {number} value @param {number} digits */
export const round = (value, digits = 0) => Number(value.toFixed(digits));

/** From lowest to highest, for the noise column. @param {number[]} values @param {number} digits */
export const spread = (values, digits = 0) => `${round(Math.min(...values), digits)} to ${round(Math.max(...values), digits)}, n = ${values.length}`;

/** Whether a size was named in the environment: then the figures are a trial's, and the table is left alone. */
export let isTrial = false;

/**
 * How much of something a part measures; smaller in a trial.
 * @param {string} name `DORBANK_BENCH_` goes before it @param {number} usual
 */
export function size(name, usual) {
  const said = process.env[`DORBANK_BENCH_${name}`];
  if (said === undefined) return usual;
  isTrial = true;
  const value = Number(said);
  if (!Number.isInteger(value) || value < 1) throw new Error(`DORBANK_BENCH_${name} is not a number of one or more: ${said}`);
  return value;
}
