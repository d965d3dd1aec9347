// The shift's lead, at a desk in Chromium: signs in to the demo, reads the code, admits phones.
import { ChromiumPage } from './engines/chromium.mjs';
import { until } from './wait.mjs';
import { words } from './words.mjs';

/** The demo's running door shift, and an officer who may lead it. @param {import('./server.mjs').Server} server */
export async function runningShift(server) {
  const db = server.database;
  const now = Date.now();
  const [shift] = await db.rows(`SELECT ${db.hex('id')} AS id, ${db.hex('campaign')} AS campaign FROM shift WHERE kind = 'door' AND starts_at <= ${now} AND ends_at > ${now}`);
  if (!shift) throw new Error('the demo has no running shift');
  const officers = await db.rows(`SELECT o.name FROM officer o JOIN shift_branch b ON b.branch = o.branch
    WHERE o.role IN ('lead', 'organiser') AND ${db.hex('b.shift')} = '${shift.id}' ORDER BY o.role`);
  if (!officers.length) throw new Error('nobody leads the running shift');
  const id = String(shift.id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { id, campaign: String(shift.campaign), lead: String(officers[0].name) };
}

/** Signs an officer of the demo in. @param {import('./page.mjs').Page} page @param {string} origin @param {string} name @param {ReturnType<typeof words>} w */
export async function signIn(page, origin, name, w = words('nb')) {
  await page.goto(`${origin}/sign-in`);
  await page.click('button', w.word('sign_in.demo.be', { name }));
  await page.waitFor('to be signed in', () => !location.pathname.startsWith('/sign-in'));
}

export class Lead {
  /** @param {import('./server.mjs').Server} server */
  static async signIn(server) {
    const lead = new Lead();
    lead.words = words('nb');
    lead.server = server;
    lead.shift = await runningShift(server);
    lead.page = await ChromiumPage.open({ phone: false, viewport: { width: 1100, height: 900 } });
    await signIn(lead.page, server.origin, lead.shift.lead);
    await lead.#board();
    return lead;
  }

  async #board() {
    await this.page.goto(`${this.server.origin}/plan/shifts/${this.shift.id}`);
  }

  /** The code, read from the page as a person would. @returns {Promise<string>} */
  async code() {
    return until('a code on the board', async () => /\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{3}\b/.exec(await this.page.text())?.[0]);
  }

  /** Lets a phone in, to the first turf or the one at `turf`. @param {string} sign */
  async admit(sign, turf = 0) {
    const w = this.words;
    const choose = w.word('board.turf.choose', { sign });
    await until(`${sign} on the board`, async () => {
      await this.#board();
      return this.page.has({ role: 'button', name: w.word('board.admit.sign', { sign }) });
    }, { every: 250 });
    const select = await this.page.find({ role: 'combobox', name: choose });
    await select.evaluate((element, at) => {
      const real = [...element.options].filter((option) => option.value);
      element.value = real[at].value;
      element.dispatchEvent(new Event('input', { bubbles: true }));
      element.dispatchEvent(new Event('change', { bubbles: true }));
    }, turf);
    await this.page.click('button', w.word('board.admit.sign', { sign }));
    await until(`${sign} to be in`, async () => {
      const db = this.server.database;
      return Number(await db.one(`SELECT COUNT(*) AS n FROM device WHERE sign = '${sign}' AND state = 'admitted' AND ${db.hex('shift')} = '${this.shift.id.replaceAll('-', '')}'`)) > 0;
    });
  }

  async close() {
    await this.page.close();
  }
}
