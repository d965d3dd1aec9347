// The one page interface that the tests speak, whichever engine is behind it. An engine gives the few things below the
// line; everything else is made of them here.
import { inPage, outline, visibleText } from './find.mjs';
import { until } from './wait.mjs';

/** @typedef {{ role: string, name?: string, part?: string, css?: string, last?: boolean }} Wanted */

export class Page {
  /** The engine's name. */
  engine = '';
  /** Whether the profile outlives the browser, so that a restart can be tested. */
  canRestart = false;

  /**
   * Waits until there is such an element and gives the engine's handle of it.
   * @param {Wanted} wanted @param {{ patience?: number }} [how]
   */
  async find(wanted, how) {
    return until(`${wanted.role} "${wanted.name ?? wanted.part ?? ''}"`, () => this.handle(inPage, wanted), { ...how, explain: () => this.explain() });
  }

  /** Whether there is such an element now. @param {Wanted} wanted */
  async has(wanted) {
    return (await this.evaluate(`(w) => { const found = (${inPage})({ ...w, all: true }); return found.length > 0; }`, wanted)) === true;
  }

  /** How many such elements there are now. @param {Wanted} wanted @returns {Promise<number>} */
  async countOf(wanted) {
    return this.evaluate(`(w) => (${inPage})({ ...w, all: true }).length`, wanted);
  }

  /** Taps it, as a finger does. @param {string} role @param {string} name @param {{ patience?: number }} [how] */
  async click(role, name, how) {
    return this.clickOn({ role, name }, how);
  }

  /** @param {Wanted} wanted @param {{ patience?: number }} [how] */
  async clickOn(wanted, how) {
    const handle = await this.find(wanted, how);
    // The page may draw the element anew between the finding and the tap: then it is found again.
    await until(`a tap on ${wanted.role} "${wanted.name ?? wanted.part ?? ''}"`, async () => {
      const fresh = (await this.handle(inPage, { ...wanted, center: true })) ?? handle;
      await this.tap(fresh);
      return true;
    }, { patience: 5_000, explain: () => this.explain() });
  }

  /** @param {string} name the field's label @param {string} text */
  async fill(name, text) {
    const wanted = { role: 'textbox', name };
    await this.find(wanted);
    await until(`to write in "${name}"`, async () => {
      // In the middle of the window: beneath the bar at the bottom WebKit takes no keys.
      await this.type(await this.handle(inPage, { ...wanted, center: true }), text);
      return true;
    }, { patience: 5_000, explain: () => this.explain() });
  }

  /** What stands on the page and what the browser complained about, for a failure's text. @returns {Promise<string>} */
  async explain() {
    const said = /** @type {{ complaints?: string[] }} */ (this).complaints ?? [];
    return [await this.evaluate(outline), ...said.slice(-8)].join('\n');
  }

  /** @returns {Promise<string>} */
  async text() {
    return this.evaluate(visibleText);
  }

  /** Waits until the page's text has this. @param {string | RegExp} wanted @param {{ patience?: number }} [how] */
  async sees(wanted, how) {
    await until(`the text ${wanted}`, async () => {
      const text = await this.text();
      return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
    }, { ...how, explain: () => this.explain() });
  }

  /** Waits until a function of the page is true. @param {string} what @param {Function | string} ask @param {unknown} [arg] @param {{ patience?: number }} [how] */
  async waitFor(what, ask, arg, how) {
    return until(what, () => this.evaluate(ask, arg), { ...how, explain: () => this.explain() });
  }

  /** The path of the page's address. @returns {Promise<string>} */
  async path() {
    return this.evaluate(() => location.pathname);
  }

  // ---- what an engine gives -------------------------------------------------------------------------------------

  /** @param {string} _address */
  async goto(_address) { throw new Error('an engine gives this'); }
  async reload() { throw new Error('an engine gives this'); }
  /** A handle of the element that a function of the page returns, or null. @param {Function} _fn @param {unknown} _arg @returns {Promise<any>} */
  async handle(_fn, _arg) { throw new Error('an engine gives this'); }
  /** @param {any} _handle */
  async tap(_handle) { throw new Error('an engine gives this'); }
  /** @param {any} _handle @param {string} _text */
  async type(_handle, _text) { throw new Error('an engine gives this'); }
  /** The value of a function (or of its text) in the page; a promise is awaited. @param {Function | string} _fn @param {unknown} [_arg] @returns {Promise<any>} */
  async evaluate(_fn, _arg) { throw new Error('an engine gives this'); }
  /** @param {string} _file */
  async screenshot(_file) { throw new Error('an engine gives this'); }
  /** Ends the browser and starts it with the same profile, at an address. @param {string} _address */
  async restart(_address) { throw new Error('an engine gives this'); }
  async close() { throw new Error('an engine gives this'); }
}

/** The size of the phone that every screen must work on. */
export const PHONE = { width: 360, height: 740 };
