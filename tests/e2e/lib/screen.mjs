// One screen, looked at in every way that a person may have it: light, dark, and with text twice as large.
import { mkdirSync } from 'node:fs';
import { violations } from './axe.mjs';
import { PHONE } from './page.mjs';
import { SCREENSHOTS } from './paths.mjs';

/** The least that a gloved finger hits, in CSS pixels. */
const TARGET = 44;

/**
 * Runs in the page. What a person would trip over and no rule of axe's names: controls too small to hit, and words cut
 * off or hanging out of the box that they stand in.
 * @param {number} target
 */
function measure(target) {
  const shown = (element) => element.checkVisibility?.({ visibilityProperty: true }) !== false && element.getClientRects().length > 0;
  const clipped = (element) => element !== null && (getComputedStyle(element).clipPath !== 'none' || clipped(element.parentElement));
  const unseen = (element) => element.closest('.unseen, [aria-hidden=true], [inert]') !== null || clipped(element);
  const what = (element) => `${element.tagName.toLowerCase()}.${element.className} "${(element.textContent || element.value || '').trim().slice(0, 40)}"`;
  const faults = [];
  for (const element of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary, textarea')) {
    // A link in a running text is as high as its line; a box in a label is hit by its label; a skip link comes by key.
    const box = (element.closest('label') ?? element).getBoundingClientRect();
    if (!shown(element) || unseen(element) || getComputedStyle(element).display === 'inline' || box.bottom < 0) continue;
    if (Math.min(box.width, box.height) < target - 0.5) faults.push(`${what(element)} is ${box.width.toFixed()} by ${box.height.toFixed()} px`);
  }
  for (const element of document.querySelectorAll('a, button, input:not([type=hidden]), label, h1, h2, h3, li, dl, p, td, th, .card, .note, .notice, .chip, .entrance, .door-open')) {
    if (!shown(element) || unseen(element) || getComputedStyle(element).display.startsWith('inline')) continue;
    const over = element.scrollWidth - element.clientWidth;
    if (element.clientWidth > 0 && over > 1) faults.push(`${what(element)}: ${over} px of it are outside`);
  }
  return [...new Set(faults)].slice(0, 6);
}

/** Things wrong with the screens of a run, all told at its end rather than one by one. */
export class Gallery {
  /** @type {string[]} */ faults = [];

  /** @param {string} folder */
  constructor(folder) {
    this.folder = `${SCREENSHOTS}/${folder}`;
    mkdirSync(this.folder, { recursive: true });
  }

  /** @param {import('./engines/chromium.mjs').ChromiumPage} page @param {string} name */
  async look(page, name) {
    for (const scheme of /** @type {const} */ (['light', 'dark'])) {
      await page.page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await still(page);
      // Seen while the colours were changing, it is looked at once more.
      let found = await violations(page);
      if (found.length > 0) {
        await still(page);
        found = await violations(page);
      }
      for (const fault of found) this.faults.push(`${name}, ${scheme}: ${fault}`);
      // One as the phone shows it, one of the whole length.
      await this.#picture(page, `${name}-${scheme}`, scheme === 'dark');
    }
    // A page that the server rendered reads as well when its program died, so only the console tells of it.
    for (const said of page.complaints.splice(0)) if (/panicked|uncaught/.test(said)) this.faults.push(`${name}: ${said.slice(0, 300)}`);
    await page.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await this.#fits(page, name);
    for (const fault of await page.evaluate(measure, TARGET)) this.faults.push(`${name}: ${fault}`);
    await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    await still(page);
    await this.#fits(page, `${name}, large`);
    for (const fault of await page.evaluate(measure, TARGET)) this.faults.push(`${name}, large: ${fault}`);
    await this.#picture(page, `${name}-large`, true);
    await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
  }

  /** @param {import('./engines/chromium.mjs').ChromiumPage} page @param {string} name */
  async #fits(page, name) {
    const { width } = page.options.viewport ?? PHONE;
    const over = await page.evaluate((seen) => document.documentElement.scrollWidth - seen, width);
    if (over > 0) this.faults.push(`${name}: ${over} px wider than the screen`);
  }

  /**
   * In a picture of the whole length the bars stand at its ends, where a reader meets them, not in its middle.
   * @param {import('./engines/chromium.mjs').ChromiumPage} page @param {string} name @param {boolean} whole
   */
  async #picture(page, name, whole) {
    const long = whole && await page.evaluate(() => {
      if (document.querySelector('dialog[open]')) return false;
      for (const element of document.querySelectorAll('*')) if (getComputedStyle(element).position === 'sticky') element.style.position = 'static';
      return true;
    });
    await page.screenshot(`${this.folder}/${name}.png`, { full: long });
    if (long) await page.evaluate(() => { for (const element of document.querySelectorAll('[style]')) element.style.position = ''; });
  }
}

/** Until nothing moves and two frames were drawn; a window that is not drawn at the moment has neither. @param {import('./engines/chromium.mjs').ChromiumPage} page */
async function still(page) {
  await page.evaluate(() => Promise.race([
    new Promise((done) => { setTimeout(done, 500); }),
    Promise.allSettled(document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity).map((one) => one.finished))
      .then(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); })),
  ]));
}
