// Stops a page at one step of saving or sending, so that it can be ended exactly there: no clock says where that is.
import { until } from './wait.mjs';

/**
 * Runs in the page: taps a button, and lets the app come no further than that step.
 * @param {{ step: string, label: string }} wanted
 */
function tapAndStop({ step, label }) {
  const reached = (now) => {
    if (now !== step) return false;
    globalThis.stoppedAt = step;
    return true;
  };
  /** Keeps a transaction from its end, as long as there is a page. @param {IDBObjectStore} store */
  const hold = (store) => { store.count().onsuccess = () => hold(store); };
  /** What each transaction has written of an entry. @type {WeakMap<IDBTransaction, string>} */
  const wrote = new WeakMap();
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function begun(stores, mode, ...more) {
    const begins = mode === 'readwrite' && this.name === 'dorbank-outbox' && reached('save-begins');
    // Whoever holds the stores before keeps this one from its beginning.
    if (begins) hold(transaction.call(this, stores, mode).objectStore('entry'));
    const made = transaction.call(this, stores, mode, ...more);
    // The first who listens: the app does not hear of it.
    made.addEventListener('complete', (event) => {
      if (reached(`${wrote.get(made)}-committed`)) event.stopImmediatePropagation();
    });
    return made;
  };
  const { commit } = IDBTransaction.prototype;
  IDBTransaction.prototype.commit = function committed() {
    if (!reached(`${wrote.get(this)}-written`)) commit.call(this);
  };
  for (const [method, kind] of [['add', 'save'], ['put', 'receipt']]) {
    const write = IDBObjectStore.prototype[method];
    IDBObjectStore.prototype[method] = function written(...args) {
      const asked = write.apply(this, args);
      if (this.name === 'entry') {
        wrote.set(this.transaction, kind);
        if (step === `${kind}-written`) hold(this);
      }
      return asked;
    };
  }
  const { fetch } = globalThis;
  globalThis.fetch = function fetched(asked, ...more) {
    const leaves = String(asked.url ?? asked).includes('/sync/v1/push') && reached('push-leaves');
    return leaves ? new Promise(() => {}) : fetch.call(globalThis, asked, ...more);
  };
  [...document.querySelectorAll('button')].find((one) => one.getAttribute('aria-label') === label).click();
}

/**
 * Taps a button, waits until the app has come to a step, and kills it there.
 * @param {any} page @param {'save-begins' | 'save-written' | 'save-committed' | 'push-leaves' | 'receipt-written' | 'receipt-committed'} step
 * @param {string} label the button's
 * @returns {Promise<boolean>} whether a tick was shown by then
 */
export async function killedAt(page, step, label) {
  await page.evaluate(tapAndStop, { step, label });
  await until(`the app to come to ${step}`, () => page.evaluate(() => globalThis.stoppedAt), { explain: () => page.explain() });
  const ticked = !(await page.has({ role: 'button', name: label }));
  await page.kill();
  return ticked;
}
