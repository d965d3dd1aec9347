// One screen, looked at in every way that a person may have it: light, dark, and with text twice as large.
import { mkdirSync } from 'node:fs';
import { violations } from './axe.mjs';
import { PHONE } from './page.mjs';
import { SCREENSHOTS } from './paths.mjs';

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
      await page.page.emulateMedia({ colorScheme: scheme });
      for (const fault of await violations(page)) this.faults.push(`${name}, ${scheme}: ${fault}`);
      await page.screenshot(`${this.folder}/${name}-${scheme}.png`);
    }
    await page.page.emulateMedia({ colorScheme: 'light' });
    const over = () => page.evaluate((width) => document.documentElement.scrollWidth - width, page.options.viewport?.width ?? PHONE.width);
    const small = await over();
    if (small > 0) this.faults.push(`${name}: ${small} px wider than the screen`);
    await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    await page.screenshot(`${this.folder}/${name}-large.png`);
    const large = await over();
    if (large > 0) this.faults.push(`${name}: with large text it is ${large} px wider than the screen`);
    await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
  }
}
