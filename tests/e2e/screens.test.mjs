// Every screen, three languages: axe finds nothing in light or dark, nothing is wider than the screen, with text twice
// as large neither. Pictures go to target/screenshots/.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { Lead, runningShift, signIn } from './lib/lead.mjs';
import { LOGIN_PAGE } from './lib/proxy.mjs';
import { run } from './lib/run.mjs';
import { PHONE } from './lib/page.mjs';
import { Gallery } from './lib/screen.mjs';
import { Server } from './lib/server.mjs';
import { newBuild } from './lib/story.mjs';
import { Volunteer } from './lib/volunteer.mjs';
import { until } from './lib/wait.mjs';
import { LANGUAGES, words } from './lib/words.mjs';

const LOCALES = { nb: 'nb-NO', nn: 'nn-NO', en: 'en-GB' };
const PUSH = /^POST \/sync\/v1\/push/;

/** @type {Server} */ let server;
before(async () => {
  server = await Server.start();
  await makeRare();
});
after(() => server.stop());

/** Writes to the demo what no demo has: a turf without entrances, and one with the longest names and the odd floors. */
async function makeRare() {
  const db = server.database;
  const shift = await runningShift(server);
  const turfs = await db.rows(`SELECT ${db.hex('t.id')} AS id FROM turf t JOIN shift_turf s ON s.turf = t.id WHERE ${db.hex('s.shift')} = '${shift.id.replaceAll('-', '')}' ORDER BY t.number`);
  const [empty, long] = turfs.slice(-2).map((turf) => turf.id);
  const entrances = await db.rows(`SELECT ${db.hex('entrance')} AS id FROM turf_entrance WHERE ${db.hex('turf')} = '${long}' ORDER BY position`);
  const units = await db.rows(`SELECT ${db.hex('u.id')} AS id, ${db.hex('u.entrance')} AS entrance FROM unit u JOIN turf_entrance t ON t.entrance = u.entrance WHERE ${db.hex('t.turf')} = '${long}' ORDER BY u.floor DESC, u.position`);
  // Of every entrance, since each language leaves one finished.
  const odd = [['L0201', 102], ['L0101', 101], ['U0101', -1], ['K0101', -101]];
  await run('sqlite3', [server.address.replace('sqlite:', ''), '-cmd', '.timeout 10000', [
    `DELETE FROM turf_entrance WHERE ${db.hex('turf')} = '${empty}'`,
    `UPDATE turf SET name = 'Menneskerettighetsforkjemperveien og Kristian Augusts gate vest' WHERE ${db.hex('id')} = '${long}'`,
    ...entrances.map(({ id }, at) => `UPDATE entrance SET street = 'Menneskerettighetsforkjemperveien', number = ${118 + 2 * at}, letter = 'B' WHERE ${db.hex('id')} = '${id}'`),
    ...entrances.flatMap(({ id }) => {
      const [fixed, ...doors] = units.filter((unit) => unit.entrance === id);
      return doors.length < odd.length ? [] : [
        `UPDATE unit SET do_not_knock = 1 WHERE ${db.hex('id')} = '${fixed.id}'`,
        ...odd.map(([label, floor], at) => `UPDATE unit SET label = '${label}', floor = ${floor}, position = 1 WHERE ${db.hex('id')} = '${doors[at].id}'`),
      ];
    }),
  ].join(';\n')]);
}

/**
 * Takes in a file from a phone of the demo, of which the server cannot take one visit.
 * @param {ChromiumPage} page @param {Gallery} gallery @param {ReturnType<typeof words>} w
 */
async function takeFile(page, gallery, w) {
  const db = server.database;
  const dashed = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toLowerCase();
  const shift = await runningShift(server);
  const [place] = await db.rows(`SELECT ${db.hex('t.turf')} AS turf, ${db.hex('t.entrance')} AS entrance FROM turf_entrance t JOIN shift_turf s ON s.turf = t.turf WHERE ${db.hex('s.shift')} = '${shift.id.replaceAll('-', '')}' LIMIT 1`);
  const device = await db.one(`SELECT ${db.hex('id')} AS id FROM device WHERE ${db.hex('shift')} = '${shift.id.replaceAll('-', '')}' LIMIT 1`);
  const visit = { campaign: dashed(shift.campaign), turf: dashed(place.turf), entrance: dashed(place.entrance), outcome: 'not_home', occurred_at: Date.now() };
  const unsent = [1, 2].map((at) => ({ id: randomUUID(), kind: 'visit', device_seq: 9_000 + at, captured_at: Date.now(), bytes: JSON.stringify(visit) }));
  const sqlite = (sql) => run('sqlite3', ['-cmd', '.timeout 10000', server.address.replace('sqlite:', ''), sql]);
  await sqlite(`CREATE TRIGGER broken BEFORE INSERT ON receipt WHEN NEW.id = X'${unsent[1].id.replaceAll('-', '')}' BEGIN SELECT RAISE(ABORT, 'broken'); END`);
  try {
    const file = JSON.stringify({ dorbank: 1, device: dashed(device), unsent });
    await page.page.setInputFiles('input[type=file]', { name: 'dorbank.json', mimeType: 'application/json', buffer: Buffer.from(file) });
    await page.click('button', w.word('intake.look'));
    await page.sees(w.word('intake.found'));
    await gallery.look(page, '15-intake-found');
    await page.click('button', w.word('intake.take'));
    await page.sees(w.word('intake.partly'));
    await gallery.look(page, '15-intake-partly');
  } finally {
    await sqlite('DROP TRIGGER broken');
  }
}

/** The places of the two odd turfs in the lead's list, from its end. */
const EMPTY = 2;
const LONG = 1;

for (const [at, language] of LANGUAGES.entries()) {
  test(`the field app's screens in ${language}`, { timeout: 150_000 }, async () => {
    const gallery = new Gallery(`field-${language}`);
    const lead = await Lead.signIn(server);
    const page = await ChromiumPage.open({ locale: LOCALES[language] });
    const w = words(language);
    try {
      await page.goto(`${server.origin}/field/join`);
      await page.find({ role: 'textbox', name: w.word('join.code') });
      await gallery.look(page, '01-join');
      await page.fill(w.word('join.code'), '0000-0000-000');
      await page.click('button', w.word('join.go'));
      await page.sees(w.word('join.refused'));
      await page.waitFor('the button to be free again', () => document.querySelector('button[type=submit]').disabled === false);
      await gallery.look(page, '02-join-refused');

      const volunteer = new Volunteer(page, server.origin, language);
      const sign = await volunteer.join(await lead.code());
      await gallery.look(page, '03-waiting');
      await lead.admit(sign, at);
      await volunteer.admitted();
      await volunteer.readyForOffline();
      await gallery.look(page, '04-turf');
      await page.goto(`${server.origin}/field/settings`);
      await page.sees(w.word('settings.language'));
      await gallery.look(page, '05-settings');
      await page.goto(`${server.origin}/field/ready`);
      await page.sees(w.word('ready.turf'));
      await gallery.look(page, '05-ready');

      await volunteer.toTurf();
      const doors = await volunteer.openEntrance(0, 4);
      await gallery.look(page, '06-entrance');
      await volunteer.notHome(doors[0]);
      await gallery.look(page, '07-entrance-noted');
      await volunteer.openDoor(doors[1]);
      await gallery.look(page, '08-what-happened');
      await page.click('button', w.word('outcome.talked'));
      await page.sees(w.word('ask.script'));
      await gallery.look(page, '09-ask');
      await page.click('button', w.word('ask.yes'));
      await page.find({ role: 'textbox', name: w.word('note.words') });
      await gallery.look(page, '10-note');
      await page.fill(w.word('note.words'), 'Ring meg på 912 34 567, eller skriv til kari@example.org, om kollektivtrafikkforbindelsene.');
      await volunteer.chooseTopic(0);
      await gallery.look(page, '11-note-warned');
      await page.click('button', w.word('note.save'));
      await page.sees(w.word('note.refused'));
      await gallery.look(page, '11-note-refused');
      await page.evaluate(() => {
        const field = document.querySelector('textarea');
        if (field) field.value = '';
        field?.dispatchEvent(new Event('input', { bubbles: true }));
      });
      await page.fill(w.word('note.words'), 'Kollektivtrafikkforbindelsene er for dårlige.');
      await page.click('button', w.word('note.save'));
      await page.waitFor('the note to be saved', () => !document.querySelector('textarea'));
      await page.goto(`${server.origin}/field/settings`);
      await page.sees(w.word('settings.inputs_wait'));
      await page.sees(w.word('saved.inputs_wait'));
      await gallery.look(page, '12-settings-inputs-wait');
      await server.proxy.cut();
      await volunteer.toTurf();
      await volunteer.openEntrance(0, 1);
      await gallery.look(page, '12-offline');
      await page.goto(`${server.origin}/field/end`);
      await page.sees(w.word('end.visits'));
      await gallery.look(page, '13-end-waiting');
      await server.proxy.open();
      await volunteer.endShift();
      await gallery.look(page, '14-end');
      await page.goto(`${server.origin}/field/entrance/00000000-0000-4000-8000-000000000000`);
      await page.sees(w.word('entrance.gone'));
      await gallery.look(page, '15-gone');
    } finally {
      await server.proxy.open();
      await page.close();
      await lead.close();
    }
    assert.deepEqual(gallery.faults, []);
  });

  test(`the field app's rare screens in ${language}`, { timeout: 150_000 }, async () => {
    const gallery = new Gallery(`field-${language}`);
    const locale = LOCALES[language];
    const w = words(language);
    const lead = await Lead.signIn(server);
    const apple = await ChromiumPage.open({ locale, userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1' });
    const page = await ChromiumPage.open({ locale });
    const volunteer = new Volunteer(page, server.origin, language);
    const list = `SELECT COUNT(*) AS n FROM shift_turf WHERE ${server.database.hex('shift')} = '${lead.shift.id.replaceAll('-', '')}'`;
    const turfs = Number(await server.database.one(list));
    /** Asks the server again until the screen says it. @param {string | RegExp} text */
    const comes = (text) => until(`the text ${text}`, async () => {
      await page.evaluate(() => { dispatchEvent(new Event('online')); });
      await page.sees(text, { patience: 1_000 });
      return true;
    }, { patience: 30_000, explain: () => page.explain() });
    /** @param {string} name */
    const look = (name) => gallery.look(page, name);
    try {
      await apple.goto(`${server.origin}/field/join`);
      await apple.sees(w.word('join.ios_title'));
      await gallery.look(apple, '20-iphone');

      // The program does not come: what stays on the screen is what a panic leaves, too.
      server.proxy.strike({ route: /^GET \/assets\/field\..*\.wasm/, kind: 'answer', status: 500, times: Infinity });
      await page.goto(`${server.origin}/field/`);
      await page.sees(w.word('shell.failed'));
      await look('21-failed');
      server.proxy.heal();

      await page.goto(`${server.origin}/field/nothing/here`);
      await page.sees(w.word('page.not_found'));
      await look('22-no-such-page');
      const refused = await volunteer.join(await lead.code());
      await until('the lead to refuse', async () => {
        await lead.page.reload();
        return lead.page.has({ role: 'button', name: words('nb').word('board.refuse.sign', { sign: refused }) });
      });
      await lead.page.click('button', words('nb').word('board.refuse.sign', { sign: refused }));
      await page.click('button', w.word('waiting.look'));
      await comes(w.word('waiting.refused'));
      await look('23-refused');

      await lead.admit(await volunteer.join(await lead.code()), turfs - EMPTY);
      await page.click('button', w.word('waiting.look'));
      await comes(w.word('turf.empty'));
      await look('24-empty-turf');

      await page.goto(`${server.origin}/field/join`);
      await page.sees(w.word('join.already'));
      await look('25-join-again');
      const sign = await volunteer.join(await lead.code());
      await lead.admit(sign, turfs - LONG);
      await volunteer.admitted();
      await look('26-long-names');
      const doors = await volunteer.openEntrance(0, 3);
      await page.sees(w.word('floor.cellar'));
      await look('27-odd-floors');
      await page.click('button', w.word('entrance.intercom'));
      await page.sees(w.word('entrance.let_in'));
      await look('28-intercom');
      await page.click('button', w.word('nav.close'));
      await page.clickOn({ role: 'button', part: w.word('outcome.do_not_knock'), css: '.door-open' });
      await page.sees(w.word('door.dnk_fixed'));
      await look('29-do-not-knock');
      await page.click('button', w.word('nav.close'));

      server.proxy.strike({ route: PUSH, kind: 'answer', status: 200, body: LOGIN_PAGE, times: Infinity });
      await volunteer.notHome(doors[0]);
      await comes(w.like('saved.portal'));
      await look('30-login-page');
      server.proxy.heal();
      for (const [code, says, picture] of [['unknown', w.like('saved.unknown_device'), '31-unknown-phone'], ['update_needed', w.word('update.needed'), '32-too-old']]) {
        server.proxy.strike({ route: PUSH, kind: 'answer', status: 401, body: JSON.stringify({ error: code }), headers: { 'content-type': 'application/json' }, times: Infinity });
        await comes(says);
        await look(picture);
        server.proxy.heal();
      }
      await comes(w.word('saved.all_sent'));

      // A full disk, as the browser tells of it.
      await page.evaluate(() => {
        for (const write of ['add', 'put']) IDBObjectStore.prototype[write] = () => { throw new DOMException('full', 'QuotaExceededError'); };
      });
      await page.click('button', w.word('door.not_home_at', { door: doors[1] }));
      await page.sees(w.word('storage.title'));
      await look('33-storage');
      await page.reload();

      await volunteer.toTurf();
      await volunteer.openEntrance(0, 2);
      await page.click('button', w.count('entrance.rest', (await volunteer.untouched()).length));
      await page.sees(w.like('entrance.next'));
      await look('34-finished');

      await volunteer.readyForOffline();
      await newBuild(server, page, `next-${language}`);
      // It is offered where a screen begins.
      await page.reload();
      await page.sees(w.word('update.ready'));
      await look('35-update');
      server.proxy.heal();

      await lead.page.goto(`${server.origin}/plan/shifts/${lead.shift.id}`);
      await lead.page.evaluate((/** @type {string} */ name) => {
        const asks = document.querySelector(`summary[aria-label="${name}"]`);
        asks.click();
        asks.closest('details').querySelector('button').click();
      }, words('nb').word('board.revoke.sign', { sign }));
      await page.goto(`${server.origin}/field/`);
      await comes(w.word('revoked.text'));
      await look('36-shut-out');
    } finally {
      server.proxy.heal();
      await apple.close();
      await page.close();
      await lead.close();
    }
    assert.deepEqual(gallery.faults, []);
  });

  test(`the office before anything is there, in ${language}`, { timeout: 60_000 }, async () => {
    const gallery = new Gallery(`office-${language}`);
    const w = words(language);
    const bare = await Server.start({ bare: true });
    const page = await ChromiumPage.open({ phone: false, viewport: PHONE, locale: LOCALES[language] });
    try {
      const said = await bare.command('officer', 'add', '--name', 'Frøydis Fjellstad-Nordahl Bjørgulfsen', '--email', 'f@example.org', '--role', 'county');
      const link = new URL(/https?:\/\/\S+/.exec(said)?.[0] ?? '');
      /** @param {string} address @param {string} picture */
      const visit = async (address, picture) => {
        await page.goto(bare.origin + address);
        await page.find({ role: 'main' });
        await gallery.look(page, picture);
      };
      await visit('/sign-in', '20-sign-in');
      await visit(link.pathname + link.search + link.hash, '21-link');
      await page.click('button', w.word('sign_in.link.go'));
      await page.waitFor('to be signed in', () => !location.pathname.startsWith('/sign-in'));
      await visit('/plan', '22-no-shifts');
      await visit('/programme', '23-no-release');
      await visit('/admin', '24-no-round');
      await visit(link.pathname + link.search + link.hash, '25-link-used');
    } finally {
      await page.close();
      await bare.stop();
    }
    assert.deepEqual(gallery.faults, []);
  });

  test(`the office's screens in ${language}`, { timeout: 150_000 }, async () => {
    const gallery = new Gallery(`office-${language}`);
    const page = await ChromiumPage.open({ phone: false, viewport: PHONE, locale: LOCALES[language] });
    const w = words(language);
    const db = server.database;
    /** @param {string} role */
    const name = (role) => db.one(`SELECT name FROM officer WHERE role = '${role}' AND active ORDER BY id LIMIT 1`);
    /** @param {string} path @param {string} picture */
    const visit = async (path, picture) => {
      await page.goto(server.origin + path);
      await page.find({ role: 'main' });
      assert.equal(await page.evaluate(() => document.documentElement.lang), language, `the language of ${path}`);
      await gallery.look(page, picture);
    };
    try {
      await visit('/', '01-front');
      await visit('/privacy', '02-privacy');
      await visit('/sign-in', '03-sign-in');
      await visit('/no-such-page', '04-not-found');
      await visit('/plan', '05-not-signed-in');
      const shift = await runningShift(server);
      await signIn(page, server.origin, shift.lead, w);
      await visit('/plan', '06-plan');
      await visit(`/plan/shifts/${shift.id}`, '07-board');
      await visit('/programme', '08-not-for-you');
      await signIn(page, server.origin, await name('committee'), w);
      await visit('/programme', '09-programme');
      const area = await db.one("SELECT area FROM release_cell WHERE area <> '*' AND band = 'exact' ORDER BY area LIMIT 1");
      if (area) await visit(`/programme?area=${area}`, '10-area');
      const closed = await db.one("SELECT area FROM release_cell WHERE band = 'closed' ORDER BY area LIMIT 1");
      if (closed) await visit(`/programme?area=${closed}`, '10-area-closed');
      await signIn(page, server.origin, await name('county'), w);
      await visit('/admin', '11-admin');
      await visit('/plan/status', '13-status');
      await visit('/plan/quarantine', '14-clarify');
      await visit('/plan/intake', '15-intake');
      await takeFile(page, gallery, w);
      for (const [what, when] of [['planned', `starts_at > ${Date.now()}`], ['over', `ends_at < ${Date.now() - 4 * 86_400_000}`]]) {
        const id = await db.one(`SELECT ${db.hex('id')} AS id FROM shift WHERE kind = 'door' AND ${when} ORDER BY starts_at LIMIT 1`);
        await visit(`/plan/shifts/${id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`, `12-board-${what}`);
      }
    } finally {
      await page.close();
    }
    assert.deepEqual(gallery.faults, []);
  });
}
