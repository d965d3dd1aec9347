// What a volunteer does with the field app, in the words of the screen: the same on every engine.
import { until } from './wait.mjs';
import { words } from './words.mjs';

/** A link to an entrance, in the turf's list. */
const ENTRANCE_LINK = 'a[href^="/field/entrance/"]';

export class Volunteer {
  /** @param {import('./page.mjs').Page} page @param {string} origin */
  constructor(page, origin, language = 'nb') {
    this.page = page;
    this.origin = origin;
    this.words = words(language);
  }

  /** Types the shift's code; gives the phone's sign. @param {string} code @returns {Promise<string>} */
  async join(code) {
    const w = this.words;
    await this.page.goto(`${this.origin}/field/join`);
    await this.page.fill(w.word('join.code'), code.toLowerCase());
    await this.page.click('button', w.word('join.go'));
    await this.page.sees(w.word('waiting.title'));
    return until('the sign', async () => {
      const text = await this.page.text();
      const after = text.slice(text.toLowerCase().indexOf(w.word('waiting.sign').toLowerCase()));
      return (/\b([ABDEFGHJKMNPRTXY][2-9])\b/.exec(after) ?? /\b([ABDEFGHJKMNPRTXY][2-9])\b/.exec(text))?.[1];
    });
  }

  /** Waits until the lead has let it in and its turf is here. */
  async admitted() {
    const w = this.words;
    // Looking at once instead of waiting for the app's own next look.
    await until('the turf', async () => {
      if (await this.page.has({ role: 'link', css: ENTRANCE_LINK })) return true;
      if (await this.page.has({ role: 'button', name: w.word('waiting.look') })) await this.page.click('button', w.word('waiting.look'), { patience: 1_000 }).catch(() => {});
      return false;
    }, { every: 400, patience: 30_000, explain: () => this.page.explain() });
    this.turf = await this.page.path();
  }

  /** Waits until the shell is held whole, so that a reload works without a network. */
  async readyForOffline() {
    await this.page.waitFor('a shell that is held whole', () => globalThis.dorbank?.shellHeld?.(), undefined, { patience: 30_000 });
  }

  /** Goes to the turf's list. */
  async toTurf() {
    await this.page.goto(this.origin + (this.turf ?? '/field/'));
    await this.page.find({ role: 'link', css: ENTRANCE_LINK });
  }

  /** Opens the n-th entrance that has at least `doors` doors. @returns {Promise<string[]>} the doors' names, as the screen has them */
  async openEntrance(at = 0, doors = 1) {
    await this.page.find({ role: 'link', css: ENTRANCE_LINK });
    const addresses = await this.page.evaluate((css) => [...new Set([...document.querySelectorAll(css)].map((a) => a.getAttribute('href')))], ENTRANCE_LINK);
    let passed = 0;
    for (const address of addresses) {
      await this.page.goto(this.origin + address);
      const names = await this.untouched();
      if (names.length >= doors && passed++ === at) return names;
    }
    throw new Error(`no entrance number ${at} with ${doors} untouched doors`);
  }

  /** The doors on the screen that can still be noted with one tap. @returns {Promise<string[]>} */
  async untouched() {
    const before = this.words.word('door.not_home_at', { door: '' });
    await this.page.waitFor('the entrance', () => document.querySelector('.page h2, .page .note') !== null);
    return this.page.evaluate((start) => [...document.querySelectorAll('button')].map((b) => b.getAttribute('aria-label') ?? b.textContent).filter((name) => name.startsWith(start)).map((name) => name.slice(start.length)), before);
  }

  /** "Nobody opened" in one gesture; returns when the tick says it is durable. @param {string} door */
  async notHome(door) {
    const w = this.words;
    await this.page.click('button', w.word('door.not_home_at', { door }));
    await this.#gone(door);
  }

  /** @param {string} door */
  async #gone(door) {
    const name = this.words.word('door.not_home_at', { door });
    await until(`a tick at ${door}`, async () => !(await this.page.has({ role: 'button', name })), { explain: () => this.page.explain() });
  }

  /** Takes the last one back. @param {string} door */
  async undo(door) {
    await this.page.click('button', this.words.word('door.undo'));
    await this.page.find({ role: 'button', name: this.words.word('door.not_home_at', { door }) });
  }

  /** Any other outcome: the door, then what happened. @param {string} door @param {string} outcome its name in the code */
  async note(door, outcome) {
    const w = this.words;
    await this.openDoor(door);
    await this.page.click('button', w.word(`outcome.${outcome}`));
    if (outcome !== 'talked') await this.page.waitFor('the sheet to close', () => document.querySelector('dialog[open]') === null);
  }

  /** Opens the sheet of a door. @param {string} door */
  async openDoor(door) {
    await this.page.clickOn({ role: 'button', part: door, css: `[aria-label^="${door} "], [aria-label^="${door}:"]` });
    await this.page.sees(this.words.word('door.what_happened'));
  }

  /** A conversation: asked, two topics, a sentence, sealed. @param {string} door @param {string} sentence */
  async conversation(door, sentence) {
    const w = this.words;
    await this.note(door, 'talked');
    await this.page.sees(w.word('ask.script'));
    await this.page.click('button', w.word('ask.yes'));
    await this.writeNote(sentence);
  }

  /** @param {string} sentence */
  async writeNote(sentence) {
    const w = this.words;
    await this.page.find({ role: 'textbox', name: w.word('note.words') });
    await this.chooseTopic(0);
    await this.chooseTopic(1);
    await this.page.fill(w.word('note.words'), sentence);
    await this.page.click('button', w.word('note.save'));
    await until('the note to be saved', async () => !(await this.page.has({ role: 'textbox', name: w.word('note.words') })), { explain: () => this.page.explain() });
  }

  /** Chooses the n-th topic, as a finger does: on the chip. @param {number} at */
  async chooseTopic(at) {
    // A note that has just opened takes no tap.
    await this.page.waitFor('the note to settle', () => document.getAnimations().every((one) => one.animationName !== 'settle'));
    const handle = await this.page.handle((n) => {
      const chips = [...document.querySelectorAll('form input[type=checkbox], main input[type=checkbox]')];
      const chip = chips[n] ?? document.querySelectorAll('button[aria-pressed]')[n];
      const shown = chip?.labels?.[0] ?? chip;
      shown?.scrollIntoView({ block: 'center', behavior: 'instant' });
      return shown ?? null;
    }, at);
    if (!handle) throw new Error('no topics to choose from');
    await this.page.tap(handle);
  }

  /** Sends what waits, and gives the end-of-shift figures once both pairs are equal. */
  async endShift() {
    const w = this.words;
    await this.page.goto(`${this.origin}/field/end`);
    await this.page.sees(w.word('end.visits'));
    if (await this.page.has({ role: 'button', name: w.word('end.send') })) await this.page.click('button', w.word('end.send'), { patience: 2_000 }).catch(() => {});
    await this.page.sees(w.word('end.equal'), { patience: 40_000 });
    if (await this.page.has({ role: 'button', name: w.word('end.finish') })) await this.page.click('button', w.word('end.finish'));
    await until('equal figures', async () => {
      const f = await this.figures();
      return f.here === f.held && f.sealed === f.acknowledged;
    }, { patience: 30_000, explain: () => this.page.explain() });
    return this.figures();
  }

  /** The four figures of the proof, as the screen shows them. */
  async figures() {
    const text = await this.page.text();
    /** @param {string} key */
    const figure = (key) => {
      const label = this.words.word(key).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      const found = new RegExp(`${label}\\s*:?\\s*(\\d+)`, 'i').exec(text) ?? new RegExp(`(\\d+)\\s*${label}`, 'i').exec(text);
      return found ? Number(found[1]) : NaN;
    };
    return { here: figure('end.here'), held: figure('end.held'), sealed: figure('end.sealed'), acknowledged: figure('end.acknowledged') };
  }

  /** The line that is always there. @returns {Promise<string>} */
  async savedLine() {
    return this.page.evaluate(() => [...document.querySelectorAll('[role=status], .saved, footer')].map((e) => e.textContent).join(' '));
  }
}
