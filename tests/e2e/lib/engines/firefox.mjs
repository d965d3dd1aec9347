// Firefox by Puppeteer's core over WebDriver BiDi. It keeps its profile over a restart, like Chromium.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { Page, PHONE } from '../page.mjs';
import { killAll } from '../run.mjs';

const EXECUTABLE = process.env.DORBANK_FIREFOX ?? '/usr/bin/firefox-esr';
const PREFERENCES = {
  // Firefox asks the person whether a site may keep its data; nobody is there to answer, so the answer is given here.
  'dom.storageManager.prompt.testing': true,
  'dom.storageManager.prompt.testing.allow': true,
  'intl.accept_languages': 'nb-NO, nb',
  // No request of the browser's own may stand in the proxy's log.
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.sessionstore.resume_from_crash': false,
};

export class FirefoxPage extends Page {
  engine = 'firefox';
  canRestart = true;

  /** @param {{ isPrivate?: boolean }} [options] `isPrivate`: a window that keeps nothing, and has no service workers */
  static async open({ isPrivate = false } = {}) {
    const page = new FirefoxPage();
    page.preferences = { ...PREFERENCES, 'browser.privatebrowsing.autostart': isPrivate };
    page.profile = mkdtempSync(join(tmpdir(), 'dorbank-firefox-'));
    await page.#launch();
    return page;
  }

  async #launch() {
    this.browser = await puppeteer.launch({
      browser: 'firefox', executablePath: EXECUTABLE, headless: true, userDataDir: this.profile, extraPrefsFirefox: this.preferences,
      defaultViewport: PHONE, protocolTimeout: 60_000,
    });
    this.page = (await this.browser.pages())[0] ?? (await this.browser.newPage());
    await this.page.setViewport(PHONE);
  }

  /** A second tab of the same browser. */
  async tab() {
    const other = new FirefoxPage();
    other.page = await this.browser.newPage();
    await other.page.setViewport(PHONE);
    return other;
  }

  async goto(address) { await this.page.goto(address, { waitUntil: 'load' }); }
  async reload() { await this.page.reload({ waitUntil: 'load' }); }
  async handle(fn, arg) {
    const handle = await this.page.evaluateHandle(`(${fn})(${JSON.stringify(arg)})`);
    return handle.asElement();
  }
  async tap(handle) { await handle.click(); }
  async type(handle, text) {
    await handle.click();
    await this.page.keyboard.down('Control');
    await this.page.keyboard.press('a');
    await this.page.keyboard.up('Control');
    await this.page.keyboard.type(text);
  }
  async evaluate(fn, arg) { return this.page.evaluate(`(${fn})(${JSON.stringify(arg)})`); }
  async screenshot(file) { await this.page.screenshot({ path: file }); }

  async restart(address) {
    await this.browser.close();
    await this.#launch();
    await this.goto(address);
  }

  /** Ends the browser as a phone's system does: without a word to anybody. */
  async kill() {
    await killAll(this.profile);
    await this.browser.close().catch(() => {});
  }

  /** Starts it again after `kill`. @param {string} address */
  async revive(address) {
    await this.#launch();
    await this.goto(address);
  }

  async close() {
    if (!this.browser) return this.page.close();
    await this.browser.close();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
