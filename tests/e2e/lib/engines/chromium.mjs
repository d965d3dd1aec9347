// Chromium by Playwright's core. The only engine here whose processor can be slowed down and whose bytes can be counted.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Page, PHONE } from '../page.mjs';
import { killAll } from '../run.mjs';

const EXECUTABLE = process.env.DORBANK_CHROMIUM ?? '/usr/bin/chromium';
const ARGS = ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

export class ChromiumPage extends Page {
  engine = 'chromium';
  canRestart = true;
  /** What the console said that was an error or a warning. @type {string[]} */
  complaints = [];

  /** @param {{ viewport?: { width: number, height: number }, colorScheme?: 'light' | 'dark', locale?: string, phone?: boolean, userAgent?: string, isPrivate?: boolean }} [options] `isPrivate`: a window that keeps nothing */
  static async open(options = {}) {
    const page = new ChromiumPage();
    page.options = options;
    page.profile = mkdtempSync(join(tmpdir(), 'dorbank-chromium-'));
    await page.#launch();
    return page;
  }

  async #launch() {
    const { viewport = PHONE, colorScheme = 'light', locale = 'nb-NO', phone = true, userAgent, isPrivate = false } = this.options;
    const browser = { executablePath: EXECUTABLE, args: ARGS };
    const context = /** @type {const} */ ({
      viewport, colorScheme, locale, hasTouch: phone, isMobile: phone, deviceScaleFactor: phone ? 2 : 1,
      reducedMotion: 'reduce', acceptDownloads: true, userAgent,
    });
    if (isPrivate) {
      this.browser = await chromium.launch(browser);
      this.context = await this.browser.newContext(context);
    } else {
      this.context = await chromium.launchPersistentContext(this.profile, { ...browser, ...context });
    }
    this.context.setDefaultTimeout(10_000);
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
    this.#listen(this.page);
  }

  /** @param {import('playwright-core').Page} page */
  #listen(page) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.message}`));
  }

  /** A second tab of the same browser. */
  async tab() {
    const other = new ChromiumPage();
    other.options = this.options;
    other.profile = null;
    other.context = this.context;
    other.page = await this.context.newPage();
    other.complaints = this.complaints;
    this.#listen(other.page);
    return other;
  }

  async goto(address) { await this.page.goto(address, { waitUntil: 'load' }); }
  async reload() { await this.page.reload({ waitUntil: 'load' }); }
  async handle(fn, arg) {
    const handle = await this.page.evaluateHandle(`(${fn})(${JSON.stringify(arg)})`);
    return handle.asElement();
  }
  async tap(handle) { await handle.click({ timeout: 4_000 }); }
  async type(handle, text) { await handle.fill(text); }
  async evaluate(fn, arg) { return this.page.evaluate(`(${fn})(${JSON.stringify(arg)})`); }
  async screenshot(file, { full = true } = {}) { await this.page.screenshot({ path: file, fullPage: full, animations: 'disabled' }); }
  /** Commands of the browser's own protocol. */
  async protocol() { return this.context.newCDPSession(this.page); }

  async restart(address) {
    await this.context.close();
    await this.#launch();
    await this.goto(address);
  }

  /** Ends the browser as a phone's system does: without a word to anybody. */
  async kill() {
    const gone = new Promise((done) => this.context.once('close', done));
    await killAll(this.profile);
    await gone;
  }

  /** Starts it again after `kill`. @param {string} address */
  async revive(address) {
    await this.#launch();
    await this.goto(address);
  }

  /** The same phone a second time: its storage copied to another one. Both are ended first. */
  async copy() {
    await this.context.close();
    const other = new ChromiumPage();
    other.options = this.options;
    other.profile = mkdtempSync(join(tmpdir(), 'dorbank-chromium-'));
    cpSync(this.profile, other.profile, { recursive: true });
    await Promise.all([this.#launch(), other.#launch()]);
    return other;
  }

  async close() {
    if (this.profile === null) return this.page.close();
    await this.context.close();
    await this.browser?.close();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
