// What a network, a server and a new build do on a bad day: nothing lost, nothing twice, and the screen says what is safe.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inputs } from './lib/database.mjs';
import { chosen, ENGINES } from './lib/engines/all.mjs';
import { LOGIN_PAGE } from './lib/proxy.mjs';
import { Reliability } from './lib/reliability.mjs';
import { run } from './lib/run.mjs';
import { Server } from './lib/server.mjs';
import { lostOrTwice, newBuild, onPhone } from './lib/story.mjs';
import { until } from './lib/wait.mjs';
import { words } from './lib/words.mjs';

const PUSH = /^POST \/sync\/v1\/push/;
const INPUTS = /^POST \/inputs\/v1/;
const w = words('nb');
const told = new Reliability('browsers-faults', 'A phone through a bad day', 'Chromium, and where another engine is named that one, against the release build. Again with `scripts/e2e faults`.');

/** @type {Server} */ let server;
before(async () => {
  server = await Server.start();
  // More phones than any shift has come to this one.
  await run('sqlite3', ['-cmd', '.timeout 10000', server.address.replace('sqlite:', ''), 'UPDATE shift SET capacity = 90']);
});
after(async () => { told.write(); await server.stop(); });

/** @param {Parameters<typeof onPhone>[4]} work */
const phone = async (turf, doors, work, engine = 'chromium') => onPhone(server, await ENGINES[engine].open(), turf, doors, work);

/** Everything sent, as the screen says. */
const allSent = (page) => page.sees(w.word('saved.all_sent'), { patience: 30_000 });
/** Another tab's transaction holds a store of the outbox until `released`, as one that a browser forgot would. */
const holdStore = (page, name) => page.evaluate((held) => {
  const asked = indexedDB.open('dorbank-outbox');
  asked.onsuccess = () => {
    const store = asked.result.transaction(held, 'readwrite').objectStore(held);
    const hold = () => { if (!globalThis.released) store.count().onsuccess = hold; };
    hold();
  };
}, name);
/** A door of the list says so. @param {any} page @param {string} door @param {string} outcome its name in the code */
const says = (page, door, outcome) => until(`${door} to say ${outcome}`, async () => (await page.evaluate((name) => document.querySelector(`.door-open[aria-label^="${name} "]`).ariaLabel, door)).endsWith(w.word(`outcome.${outcome}`)), { patience: 30_000, explain: () => page.explain() });
/** A conversation at that door, and a note with one topic that is not saved yet. */
const beginNote = async (page, volunteer, door) => {
  await volunteer.note(door, 'talked');
  await page.click('button', w.word('ask.yes'));
  await page.find({ role: 'textbox', name: w.word('note.words') });
  await volunteer.chooseTopic(0);
};
/** What a phone does when it finds a network again. */
const nudge = (page) => page.evaluate(() => { dispatchEvent(new Event('online')); });

for (const [at, engine] of chosen.entries()) {
  test(`${engine}: answers lost, repeated, cut short, refused or empty: each visit and each input is there once`, { timeout: 240_000 }, async () => {
    const before = await inputs(server.database);
    const faults = /** @type {import('./lib/proxy.mjs').Fault[]} */ ([
      { route: PUSH, kind: 'drop' },
      { route: PUSH, kind: 'repeat' },
      { route: PUSH, kind: 'cut' },
      { route: PUSH, kind: 'truncate', bytes: 40 },
      { route: PUSH, kind: 'answer', status: 200, body: '' },
      { route: PUSH, kind: 'answer', status: 502, body: 'bad gateway' },
      { route: PUSH, kind: 'answer', status: 429, body: '', headers: { 'retry-after': '1' } },
      { route: PUSH, kind: 'answer', status: 413, body: '' },
    ]);
    const { sign } = await phone(at + 1, 3, async ({ page, volunteer, names }) => {
      for (const fault of faults) {
        server.proxy.strike(fault);
        await volunteer.notHome(names[0]);
        await nudge(page);
        await until(`${fault.kind} ${fault.status ?? ''} to strike`, () => server.proxy.pending === 0, { patience: 20_000 });
        // The door again, so that the next fault has something new to strike.
        await volunteer.undo(names[0]);
        await nudge(page);
        await allSent(page);
      }
      await volunteer.conversation(names[1], 'Ungdommen mangler et sted å være.');
      for (const kind of /** @type {const} */ (['drop', 'repeat'])) server.proxy.strike({ route: INPUTS, kind });
      await page.goto(`${server.origin}/field/end`);
      await page.click('button', w.word('end.finish'));
      await until('both faults of the inputs', async () => {
        if (await page.has({ role: 'button', name: w.word('end.finish') })) await page.click('button', w.word('end.finish'), { patience: 1_000 }).catch(() => {});
        else if (await page.has({ role: 'button', name: w.word('end.send') })) await page.click('button', w.word('end.send'), { patience: 1_000 }).catch(() => {});
        return server.proxy.pending === 0;
      }, { patience: 30_000, every: 500, explain: () => page.text() });
    }, engine);
    const after = await inputs(server.database);
    told.add('Answers of every kind in turn', `${engine}: pushes lost, repeated, cut, refused and empty; inputs lost and repeated`, faults.length + 2, await lostOrTwice(server, [sign], { visits: faults.length + 1, inputs: 1 }, before));
    assert.deepEqual([after.spool - before.spool, after.spent - before.spent], [1, 1]);
  });
}

test('a login page with status 200 is not a receipt, and the screen says what to do', { timeout: 120_000 }, async () => {
  await phone(2, 2, async ({ page, volunteer, names }) => {
    server.proxy.strike({ route: /^(POST|GET) \/(sync|inputs)\//, kind: 'answer', status: 200, body: LOGIN_PAGE, times: Infinity });
    await volunteer.notHome(names[0]);
    await nudge(page);
    await page.sees(w.word('saved.portal', { n: 1 }), { patience: 20_000 });
    await volunteer.notHome(names[1]);
    assert.equal((await server.database.rows("SELECT 1 AS one FROM device WHERE unsent < 0")).length, 0);
    server.proxy.heal();
    await nudge(page);
    await allSent(page);
  });
});

for (const [at, engine] of chosen.entries()) {
  test(`${engine}: a new build does not take over while a form is open, and does when it is asked to`, { timeout: 120_000 }, async () => {
    const before = await inputs(server.database);
    const { sign } = await phone(at, 2, async ({ page, volunteer, names }) => {
      await volunteer.note(names[0], 'talked');
      await page.click('button', w.word('ask.yes'));
      const sentence = 'Halvferdig setning som ingen må ta fra meg';
      await page.fill(w.word('note.words'), sentence);
      await page.evaluate(() => { globalThis.stillHere = navigator.serviceWorker.controller; });
      await newBuild(server, page, 'the-next-one');
      assert.equal(await page.evaluate(() => globalThis.stillHere === navigator.serviceWorker.controller), true, 'the same worker, the same page');
      assert.equal(await page.evaluate(() => document.querySelector('textarea, main input[type=text]').value), sentence);
      assert.equal(await page.has({ role: 'button', name: w.word('update.take') }), false, 'nothing offers to reload a form away');
      await volunteer.chooseTopic(0);
      await page.click('button', w.word('note.save'));
      await page.waitFor('the note to be saved', () => !document.querySelector('textarea'));
      await page.goto(`${server.origin}${volunteer.turf}`);
      await page.click('button', w.word('update.take'), { patience: 20_000 });
      await page.waitFor('the new build', async () => {
        const registration = await navigator.serviceWorker.getRegistration('/field/');
        return !registration.waiting && (await caches.keys()).includes('app-the-next-one');
      }, undefined, { patience: 20_000 });
    }, engine);
    told.add('A new app in the middle of a form', `${engine}: it waits, is offered when the form is saved, and takes over`, 1, await lostOrTwice(server, [sign], { visits: 1, inputs: 1 }, before));
  });
}

test('regression: a new build that came while a list was open moved its doors under the finger', { timeout: 60_000 }, async () => {
  await phone(3, 1, async ({ page, volunteer, names }) => {
    const door = { role: 'button', name: w.word('door.not_home_at', { door: names[0] }) };
    const where = async () => page.evaluate((name) => [...document.querySelectorAll('button')].find((one) => one.getAttribute('aria-label') === name).getBoundingClientRect().y, door.name);
    const before = await where();
    await newBuild(server, page, 'the-next-one');
    await volunteer.openDoor(names[0]);
    await page.click('button', w.word('nav.close'));
    assert.equal(await where(), before, 'the door is where it was');
    assert.equal(await page.has({ role: 'button', name: w.word('update.take') }), false);
    await page.click('link', w.word('nav.back'));
    await page.find({ role: 'button', name: w.word('update.take') });
  });
});

test('regression: taking the new version lost what storage had not taken yet', { timeout: 120_000 }, async () => {
  const { sign } = await phone(1, 1, async ({ page, volunteer, names }) => {
    const entrance = await page.evaluate(() => location.pathname);
    await newBuild(server, page, 'the-one-after');
    await page.click('link', w.word('nav.back'));
    await page.find({ role: 'button', name: w.word('update.take') });
    await page.evaluate((address) => { [...document.querySelectorAll('a')].find((one) => one.pathname === address).click(); }, entrance);
    await holdStore(page, 'entry');
    // Whether the new version is asked for; that it comes then is another test's.
    await page.evaluate(() => {
      const { postMessage } = ServiceWorker.prototype;
      ServiceWorker.prototype.postMessage = function post(message, ...rest) {
        if (message === 'take-over') globalThis.asked = true;
        else postMessage.call(this, message, ...rest);
      };
    });
    await page.click('button', w.word('door.not_home_at', { door: names[0] }));
    await page.click('button', w.word('update.take'));
    await page.sees(w.word('storage.silent'), { patience: 20_000 });
    assert.equal(await page.evaluate(() => globalThis.asked), undefined, 'the page is not reloaded away');
    await page.evaluate(() => { globalThis.released = true; });
    await page.waitFor('the new version to be asked for', () => globalThis.asked === true, undefined, { patience: 20_000 });
  });
  assert.deepEqual(await lostOrTwice(server, [sign], { visits: 1 }), { lost: 0, duplicated: 0 });
});

test('regression: undo took back what was said after the tap that its words name', { timeout: 120_000 }, async () => {
  const { sign } = await phone(2, 1, async ({ page, volunteer, names }) => {
    await holdStore(page, 'entry');
    await page.click('button', w.word('door.not_home_at', { door: names[0] }));
    await volunteer.note(names[0], 'do_not_knock');
    await page.evaluate(() => { globalThis.released = true; });
    await says(page, names[0], 'do_not_knock');
    assert.equal(await page.has({ role: 'button', name: w.word('door.undo') }), false, 'its words would name the first');
  });
  assert.deepEqual(await lostOrTwice(server, [sign], { visits: 2 }), { lost: 0, duplicated: 0 });
});

test('regression: the second of two quick taps on the yes chose a topic', { timeout: 60_000 }, async () => {
  await phone(4, 1, async ({ page, volunteer, names }) => {
    await volunteer.note(names[0], 'talked');
    await page.find({ role: 'button', name: w.word('ask.yes') });
    // In the first picture of the note, whatever lies beneath the finger by then.
    const beneath = await page.evaluate(async (yes) => {
      [...document.querySelectorAll('dialog button')].find((one) => one.textContent === yes).click();
      while (!document.querySelector('.chips button')) await new Promise((next) => requestAnimationFrame(next));
      const { x, y } = document.querySelector('.chips button').getBoundingClientRect();
      return document.elementFromPoint(x + 20, y + 20).tagName;
    }, w.word('ask.yes'));
    assert.notEqual(beneath, 'BUTTON');
    await volunteer.writeNote('Det er langt til nærmeste bibliotek.');
  });
});

for (const [at, engine] of chosen.entries()) {
  test(`${engine}: storage that does not answer is said on the screen, and is tried again until it does`, { timeout: 120_000 }, async () => {
    const { sign } = await phone(at, 2, async ({ page, volunteer, names }) => {
      await holdStore(page, 'entry');
      const name = w.word('door.not_home_at', { door: names[0] });
      await page.click('button', name);
      await page.sees(w.word('storage.silent'), { patience: 20_000 });
      await page.evaluate(() => { globalThis.released = true; });
      await until('a tick, without another tap', async () => !(await page.has({ role: 'button', name })), { patience: 30_000 });
      await page.waitFor('the notice to go', () => document.querySelector('.banner') === null);
      await volunteer.notHome(names[1]);
    }, engine);
    told.add('Storage says nothing', `${engine}: another transaction holds it for longer than the app waits`, 1, await lostOrTwice(server, [sign], { visits: 2 }));
  });
}

for (const [at, engine] of chosen.entries()) {
  test(`regression: ${engine}: what was said last of a door was dropped while storage had not taken what was said first`, { timeout: 120_000 }, async () => {
    const { sign } = await phone(at, 2, async ({ page, volunteer, names }) => {
      await holdStore(page, 'entry');
      // While it is asked to take the first.
      await page.click('button', w.word('door.not_home_at', { door: names[0] }));
      await volunteer.note(names[0], 'declined');
      await page.sees(w.word('storage.silent'), { patience: 20_000 });
      // And when it has said nothing; the same twice is said once.
      for (const outcome of ['come_back', 'do_not_knock', 'do_not_knock']) await volunteer.note(names[1], outcome);
      assert.ok(await page.has({ role: 'button', name: w.word('storage.export') }), 'the sheet covers nothing');
      assert.deepEqual(await volunteer.untouched(), names, 'no tick before it is saved');
      await page.evaluate(() => { globalThis.released = true; });
      await says(page, names[0], 'declined');
      await says(page, names[1], 'do_not_knock');
      await page.waitFor('the notice to go', () => document.querySelector('.banner') === null);
    }, engine);
    told.add('Said twice while storage says nothing', `${engine}: two outcomes at each of two doors, the second before the first is saved`, 2, await lostOrTwice(server, [sign], { visits: 4 }));
  });
}

for (const [at, engine] of chosen.entries()) {
  test(`${engine}: a tab that sleeps with the lock stops nobody from sending`, { timeout: 90_000 }, async () => {
    const { sign } = await phone(at, 1, async ({ page, volunteer, names }) => {
      await page.evaluate(() => new Promise((done) => {
        navigator.locks.request('dorbank-sync', () => {
          done(true);
          return new Promise(() => {});
        });
      }));
      await volunteer.notHome(names[0]);
      await allSent(page);
      assert.ok(await page.evaluate(async () => (await navigator.locks.query()).held.some((lock) => lock.name === 'dorbank-sync')), 'it is still held');
    }, engine);
    told.add('A tab that sleeps with the lock', `${engine}: held until the end, another tab notes and sends`, 1, await lostOrTwice(server, [sign], { visits: 1 }));
  });
}

for (const [at, engine] of chosen.entries()) {
  test(`${engine}: what the browser says of the network decides nothing`, { timeout: 90_000 }, async () => {
    const { sign } = await phone(at, 3, async ({ page, volunteer, names }) => {
      await page.evaluate(() => { Object.defineProperty(navigator, 'onLine', { configurable: true, get: () => false }); });
      await volunteer.notHome(names[0]);
      await allSent(page);
      await page.evaluate(() => { Object.defineProperty(navigator, 'onLine', { configurable: true, get: () => true }); });
      await server.proxy.cut();
      await volunteer.notHome(names[1]);
      await page.sees(w.word('saved.waiting.one', { n: 1 }), { patience: 30_000 });
      await server.proxy.open();
      await nudge(page);
      await allSent(page);
      await volunteer.notHome(names[2]);
    }, engine);
    told.add('A browser that is wrong about the network', `${engine}: it says offline while there is a network, and online while there is none`, 2, await lostOrTwice(server, [sign], { visits: 3 }));
  });
}

test('an answer that comes when nobody waits for it any more is for nothing, and the lock is held for one request and not longer', { timeout: 120_000 }, async () => {
  const { sign } = await phone(2, 2, async ({ page, volunteer, names }) => {
    const held = () => page.evaluate(async () => (await navigator.locks.query()).held.some((lock) => lock.name === 'dorbank-sync'));
    await page.waitFor('the lock to be free', async () => (await navigator.locks.query()).held.length === 0);
    const before = server.proxy.count(PUSH);
    /** @type {(value?: undefined) => void} */ let release = () => {};
    server.proxy.strike({ route: PUSH, kind: 'delay', release: new Promise((done) => { release = done; }) });
    await volunteer.notHome(names[0]);
    await until('the push to be under way', () => server.proxy.pending === 0);
    assert.equal(await held(), true, 'while it is sent');
    assert.ok((await page.text()).includes(w.word('saved.waiting.one', { n: 1 })), 'it waits, as the screen says');
    await until('the app to give it up after twenty seconds, and to push again', () => server.proxy.count(PUSH) > before + 1, { patience: 60_000 });
    await allSent(page);
    release();
    await volunteer.notHome(names[1]);
    await allSent(page);
    await page.waitFor('the lock to be free', async () => (await navigator.locks.query()).held.length === 0);
  });
  told.add('An answer that is late', 'a push reaches the server after the app has given it up and has pushed again', 1, await lostOrTwice(server, [sign], { visits: 2 }));
});

test('two quick taps on one button are one visit, and the browser\'s back does not take what is being written', { timeout: 60_000 }, async () => {
  const { figures, found } = await phone(4, 2, async ({ page, volunteer, names }) => {
    const name = w.word('door.not_home_at', { door: names[0] });
    await page.evaluate((label) => {
      const button = [...document.querySelectorAll('button')].find((one) => one.getAttribute('aria-label') === label);
      button.click();
      button.click();
    }, name);
    await until('a tick', async () => !(await page.has({ role: 'button', name })));
    await beginNote(page, volunteer, names[1]);
    await page.evaluate(() => history.back());
    await page.sees(w.word('note.leave'));
    assert.equal(await page.path(), '/field/note');
    await page.click('button', w.word('note.save'));
    await until('the note to be saved', async () => !(await page.has({ role: 'textbox', name: w.word('note.words') })));
  });
  assert.equal(found.visits.length, 2);
  assert.deepEqual([figures.sealed, figures.acknowledged], [1, 1]);
});

test('two quick taps on "nobody opened at the rest", and on taking it back, are one each', { timeout: 60_000 }, async () => {
  const { found } = await phone(3, 3, async ({ page, names }) => {
    const twice = (label) => page.evaluate((text) => {
      const button = [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === text);
      button.click();
      button.click();
    }, label);
    await twice(w.count('entrance.rest', names.length));
    await until('the ticks', async () => (await page.evaluate(() => document.querySelectorAll('.door .mark.not_home').length)) > 0, { patience: 10_000, explain: () => page.explain() });
    await page.sees(w.word('door.undo'));
    await twice(w.word('door.undo'));
    await page.sees(w.word('door.undone'));
    await allSent(page);
  });
  // As many visits as withdrawals: none was noted, or taken back, twice.
  assert.equal(found.receipts.length, 2 * found.visits.length);
});

test('what is being saved cannot be struck, and the words say what came of it', { timeout: 120_000 }, async () => {
  const { figures } = await phone(2, 1, async ({ page, volunteer, names }) => {
    await beginNote(page, volunteer, names[0]);
    await holdStore(page, 'sealed');
    await page.click('button', w.word('note.save'));
    await page.waitFor('the button to wait', (label) => [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === label).disabled, w.word('note.strike'));
    await page.evaluate(() => { globalThis.released = true; });
    await page.waitFor('the words about it', (text) => document.querySelector('.snack')?.textContent.includes(text), w.word('note.saved'), { patience: 20_000 });
  });
  assert.deepEqual([figures.sealed, figures.acknowledged], [1, 1]);
});

test('tickets that a restored server has forgotten are followed by others at once', { timeout: 60_000 }, async () => {
  const { figures } = await phone(1, 1, async ({ page, volunteer, names }) => {
    await volunteer.conversation(names[0], 'Fortauet er for smalt for barnevogn.');
    const forget = (answer) => ({ ...answer, slots: answer.slots.map(() => 'refused') });
    server.proxy.strike({ route: INPUTS, kind: 'rewrite', times: 4, rewrite: forget });
    await page.goto(`${server.origin}/field/end`);
    await page.click('button', w.word('end.finish'));
    await until('the input to be acknowledged, after one tap', async () => (await volunteer.figures()).acknowledged === 1, { patience: 20_000, explain: () => page.explain() });
    assert.equal(server.proxy.pending, 0, 'four tickets were refused before');
  });
  assert.deepEqual([figures.sealed, figures.acknowledged], [1, 1]);
});

test('what was struck after storage did not answer is not sent', { timeout: 120_000 }, async () => {
  const { figures, found } = await phone(4, 2, async ({ page, volunteer, names }) => {
    await beginNote(page, volunteer, names[0]);
    await holdStore(page, 'sealed');
    await page.click('button', w.word('note.save'));
    await page.sees(w.word('note.fault'), { patience: 20_000 });
    await page.click('button', w.word('note.strike'));
    await page.sees(w.word('note.strike_fault'), { patience: 20_000 });
    await page.evaluate(() => { globalThis.released = true; });
    // What was tried is written now that storage answers, and then taken back.
    await page.click('button', w.word('note.strike'));
    await until('the note to be gone', async () => !(await page.has({ role: 'textbox', name: w.word('note.words') })), { patience: 20_000 });
    await nudge(page);
    await allSent(page);
    await volunteer.conversation(names[1], 'Kollektivtilbudet er for dårlig.');
    await page.sees(w.word('saved.inputs_wait'), { patience: 30_000 });
  });
  assert.equal(found.visits.length, 2);
  assert.deepEqual([figures.sealed, figures.acknowledged], [1, 1]);
});
