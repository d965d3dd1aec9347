// The words of the screens, from the same files that the app reads, so that a test holds in any language and a changed
// word never breaks one.
import { readFileSync } from 'node:fs';
import { ROOT } from './paths.mjs';

export const LANGUAGES = /** @type {const} */ (['nb', 'nn', 'en']);

/** @param {string} language */
export function words(language = 'nb') {
  /** @type {Record<string, string>} */
  const all = {};
  for (const file of ['common', 'field', 'office']) Object.assign(all, JSON.parse(readFileSync(`${ROOT}/locales/${language}/${file}.json`, 'utf8')));
  /** @param {string} key @param {Record<string, string | number>} [values] */
  const word = (key, values = {}) => {
    const text = all[key];
    if (text === undefined) throw new Error(`no word "${key}" in ${language}`);
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  };
  /** The plural that fits. @param {string} key @param {number} n @param {Record<string, string | number>} [values] */
  const count = (key, n, values = {}) => word(`${key}.${n === 1 ? 'one' : 'other'}`, { n, ...values });
  /** A pattern in which every `{placeholder}` stands for anything. @param {string} key */
  const like = (key) => new RegExp(word(key).split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+?'));
  return { language, word, count, like, has: (/** @type {string} */ key) => key in all };
}
