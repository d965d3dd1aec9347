// Every screen, three languages: axe finds nothing in light or dark, nothing is wider than the screen, with text twice
// as large neither. Pictures go to target/screenshots/.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { Lead, signIn } from './lib/lead.mjs';
import { Gallery } from './lib/screen.mjs';
import { Server } from './lib/server.mjs';
import { Volunteer } from './lib/volunteer.mjs';
import { LANGUAGES, words } from './lib/words.mjs';

/** @type {Server} */ let server;
before(async () => { server = await Server.start(); });
after(() => server.stop());

for (const [at, language] of LANGUAGES.entries()) {
  test(`the field app's screens in ${language}`, { timeout: 150_000 }, async () => {
    const gallery = new Gallery(`field-${language}`);
    const lead = await Lead.signIn(server);
    const page = await ChromiumPage.open({ locale: { nb: 'nb-NO', nn: 'nn-NO', en: 'en-GB' }[language] });
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
      await page.waitFor('the note to be saved', () => !document.querySelector('textarea'));
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

  test(`the office's screens in ${language}`, { timeout: 150_000 }, async () => {
    const gallery = new Gallery(`office-${language}`);
    const page = await ChromiumPage.open({ phone: false, viewport: { width: 360, height: 740 }, locale: { nb: 'nb-NO', nn: 'nn-NO', en: 'en-GB' }[language] });
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
      const { runningShift } = await import('./lib/lead.mjs');
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
    } finally {
      await page.close();
    }
    assert.deepEqual(gallery.faults, []);
  });
}
