// WebKit, Safari's engine, by plain WebDriver: WebKitGTK's small browser in a display of its own.
//
// What cannot be driven here: in automation the browser always has a throw-away profile, so that a restart loses
// everything and only a page can be killed; `navigator.storage.persist` does not exist, so that the ready check shows
// storage as not promised; and the window's toolbar does not let the page be narrower than about 450 pixels.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { freePort } from '../net.mjs';
import { Page, PHONE } from '../page.mjs';
import { descendants } from '../run.mjs';
import { until } from '../wait.mjs';

/** The key under which WebDriver names an element. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

function miniBrowser() {
  if (process.env.DORBANK_WEBKIT) return process.env.DORBANK_WEBKIT;
  for (const folder of ['/usr/lib', ...readdirSync('/usr/lib').filter((name) => name.includes('-linux-')).map((name) => `/usr/lib/${name}`), '/usr/libexec']) {
    for (const version of ['webkit2gtk-4.1', 'webkitgtk-6.0', 'webkit2gtk-4.0']) {
      const path = `${folder}/${version}/MiniBrowser`;
      if (existsSync(path)) return path;
    }
  }
  throw new Error('no MiniBrowser: install webkit2gtk-driver, or name one in DORBANK_WEBKIT');
}

export class WebKitPage extends Page {
  engine = 'webkit';
  canRestart = false;

  static async open() {
    const page = new WebKitPage();
    const port = await freePort();
    page.base = `http://127.0.0.1:${port}`;
    // A group of its own, so that the display, the driver and the browser end together.
    page.driver = spawn('xvfb-run', ['-a', '-s', '-screen 0 1280x1024x24', 'WebKitWebDriver', `--port=${port}`, '--host=127.0.0.1'], {
      detached: true, stdio: 'ignore',
      env: { ...process.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1', LIBGL_ALWAYS_SOFTWARE: '1', LANG: 'C.UTF-8' },
    });
    page.driver.on('error', () => {});
    await until('the WebKit driver', async () => (await fetch(`${page.base}/status`)).ok, { patience: 20_000 });
    const { sessionId } = await page.#ask('POST', '/session', {
      capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary: miniBrowser(), args: ['--automation'] } } },
    });
    page.session = `/session/${sessionId}`;
    await page.#ask('POST', `${page.session}/timeouts`, { script: 20_000, pageLoad: 30_000 });
    await page.#fit();
    return page;
  }

  /** A second tab of the same browser. WebDriver speaks to one at a time, so each command says first to which. */
  async tab() {
    const other = new WebKitPage();
    this.turn ??= { last: Promise.resolve() };
    this.window ??= await this.#ask('GET', `${this.session}/window`);
    const { handle } = await this.#ask('POST', `${this.session}/window/new`, { type: 'tab' });
    return Object.assign(other, { base: this.base, session: this.session, window: handle, turn: this.turn });
  }

  /** Makes the page itself, not the window, as large as a phone. */
  async #fit() {
    let window = { width: PHONE.width, height: PHONE.height + 60 };
    for (let turn = 0; turn < 3; turn += 1) {
      await this.#ask('POST', `${this.session}/window/rect`, window);
      const inner = await this.evaluate(() => ({ width: innerWidth, height: innerHeight }));
      if (inner.width === PHONE.width && inner.height === PHONE.height) return;
      window = { width: window.width + PHONE.width - inner.width, height: window.height + PHONE.height - inner.height };
    }
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async #ask(method, path, body) {
    if (!this.window) return this.#send(method, path, body);
    const mine = this.turn.last.then(async () => {
      await this.#send('POST', `${this.session}/window`, { handle: this.window });
      return this.#send(method, path, body);
    });
    this.turn.last = mine.catch(() => {});
    return mine;
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async #send(method, path, body) {
    const answer = await fetch(this.base + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) });
    const { value } = /** @type {{ value: any }} */ (await answer.json());
    if (!answer.ok) throw new Error(`${value?.error ?? answer.status}: ${value?.message ?? ''}`);
    return value;
  }

  async goto(address) { await this.#ask('POST', `${this.session}/url`, { url: address }); }
  async reload() { await this.#ask('POST', `${this.session}/refresh`, {}); }
  async handle(fn, arg) {
    const value = await this.#ask('POST', `${this.session}/execute/sync`, { script: `return (${fn})(...arguments)`, args: [arg ?? null] });
    return value?.[ELEMENT] ? value : null;
  }
  async tap(handle) { await this.#ask('POST', `${this.session}/element/${handle[ELEMENT]}/click`, {}); }
  async type(handle, text) {
    await this.#ask('POST', `${this.session}/element/${handle[ELEMENT]}/clear`, {});
    await this.#ask('POST', `${this.session}/element/${handle[ELEMENT]}/value`, { text });
  }
  async evaluate(fn, arg) {
    const script = `const done = arguments[arguments.length - 1];
      Promise.resolve().then(() => (${fn})(arguments[0])).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const answer = await this.#ask('POST', `${this.session}/execute/async`, { script, args: [arg ?? null] });
    if (answer.error) throw new Error(answer.error);
    return answer.value;
  }
  async screenshot(file) {
    writeFileSync(file, Buffer.from(await this.#ask('GET', `${this.session}/screenshot`), 'base64'));
  }
  /**
   * Ends the page as a phone's system does. Its profile does not outlive the browser, so that the browser stays. WebDriver
   * stops working when a page of its own is killed: so the tab is closed, and then the processes behind it are killed.
   */
  async kill() {
    // No name of a process has more than 15 letters.
    const before = await descendants(/** @type {number} */ (this.driver?.pid), 'WebKitWebProces');
    const closing = this.window ?? (await this.#send('GET', `${this.session}/window`));
    const { handle } = await this.#send('POST', `${this.session}/window/new`, { type: 'tab' });
    await this.#send('POST', `${this.session}/window`, { handle: closing });
    await this.#send('DELETE', `${this.session}/window`);
    await this.#send('POST', `${this.session}/window`, { handle });
    if (this.window) this.window = handle;
    for (const pid of before) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Already gone.
      }
    }
  }
  /** @param {string} address */
  async revive(address) { await this.goto(address); }
  async restart() { throw new Error('WebKitGTK keeps no profile in automation'); }

  async close() {
    if (!this.driver) return this.#ask('DELETE', `${this.session}/window`);
    await this.#ask('DELETE', this.session).catch(() => {});
    try {
      process.kill(-(/** @type {number} */ (this.driver.pid)), 'SIGTERM');
    } catch {
      // Already gone.
    }
  }
}
