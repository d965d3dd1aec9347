// Waiting for a state, never for a time.
import { setTimeout as pause } from 'node:timers/promises';

/** How long a state may take before the test fails, in milliseconds. */
export const PATIENCE = Number(process.env.DORBANK_E2E_PATIENCE ?? 15_000);

/**
 * Asks until the answer is true, and returns it. An error while asking (a page that is just navigating) is asked again,
 * and shown if the state never comes.
 * @template T
 * @param {string} what named in the failure
 * @param {() => Promise<T> | T} ask
 * @param {{ patience?: number, every?: number, explain?: () => Promise<string> }} [how]
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, ask, { patience = PATIENCE, every = 40, explain } = {}) {
  const end = performance.now() + patience;
  let last;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return /** @type {NonNullable<T>} */ (answer);
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) break;
    await pause(every);
  }
  const more = explain ? await explain().catch(() => '') : '';
  throw new Error(`never came: ${what}${last ? ` (last: ${last.message ?? last})` : ''}${more ? `\n${more}` : ''}`);
}
