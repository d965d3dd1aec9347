// What a browser's storage does on a bad day: held by another tab, newer than the app, kept only as long as the window, or
// refused. The screen says what is safe and what to do, and nothing is ticked that is not saved.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inputs } from './lib/database.mjs';
import { chosen, ENGINES } from './lib/engines/all.mjs';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { Lead, signIn } from './lib/lead.mjs';
import { Reliability } from './lib/reliability.mjs';
import { run } from './lib/run.mjs';
import { Server } from './lib/server.mjs';
import { anotherTab, exactlyOnce, joined, lostOrTwice, ofPhone } from './lib/story.mjs';
import { Volunteer } from './lib/volunteer.mjs';
import { until } from './lib/wait.mjs';
import { words } from './lib/words.mjs';

const w = words('nb');
const told = new Reliability('browsers-storage', 'Storage in real browsers', 'The three engines against the release build. Again with `scripts/e2e storage`.');

/** @type {Server} */ let server;
before(async () => {
  server = await Server.start();
  await run('sqlite3', ['-cmd', '.timeout 10000', server.address.replace('sqlite:', ''), 'UPDATE shift SET capacity = 90']);
});
after(async () => { told.write(); await server.stop(); });

/** The shift's turfs in turn, so that none runs out of doors. */
let turn = 0;
const next = () => turn++ % 5;

/** Makes the app open its outbox anew at its next write, as version 2: what a newer app does that needs another schema. */
const asNewerApp = (page) => page.evaluate(() => {
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function opened(name, version) { return open.call(this, name, version && 2); };
  const old = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function begun(...args) {
    if (this.version < 2) throw new DOMException('the connection is gone', 'UnknownError');
    return old.apply(this, args);
  };
});

/** Leaves a record among the entries, or takes it away where it is empty. */
const leaveEntry = (page, record) => page.evaluate((text) => new Promise((done, failed) => {
  const asked = indexedDB.open('dorbank-outbox');
  asked.onsuccess = () => {
    const transaction = asked.result.transaction('entry', 'readwrite');
    if (text) transaction.objectStore('entry').put(text, 99);
    else transaction.objectStore('entry').delete(99);
    transaction.oncomplete = () => { asked.result.close(); done(true); };
    transaction.onabort = () => failed(transaction.error);
  };
}), record);

/** Deletes what the browser holds for the app, as somebody does who clears a site's data in another window. */
async function emptied(page, engine) {
  if (engine === 'chromium') {
    const protocol = await page.protocol();
    await protocol.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'all' });
    return;
  }
  await page.evaluate(() => Promise.all(['dorbank-outbox', 'dorbank-cache'].map((name) => new Promise((done, failed) => {
    const asked = indexedDB.deleteDatabase(name);
    asked.onsuccess = () => done(true);
    asked.onerror = () => failed(asked.error);
  }))));
}

for (const engine of chosen) {
  test(`${engine}: an upgrade that another tab blocks is said, and goes on when that tab is closed`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 2);
      // A page of an earlier app, stopped by the system: it holds its connection and hears nothing.
      await page.evaluate(() => new Promise((done) => {
        const asked = indexedDB.open('dorbank-outbox');
        asked.onsuccess = () => { globalThis.holder = asked.result; done(true); };
      }));
      await asNewerApp(page);
      const name = w.word('door.not_home_at', { door: names[0] });
      await page.click('button', name);
      await page.sees(w.word('storage.blocked'), { patience: 20_000 });
      assert.ok(await page.has({ role: 'button', name }), 'no tick before it is saved');
      await page.evaluate(() => { globalThis.holder.close(); });
      await until('a tick, without another tap', async () => !(await page.has({ role: 'button', name })), { patience: 40_000, explain: () => page.explain() });
      await page.waitFor('the notice to go', () => document.querySelector('.banner') === null, undefined, { patience: 20_000 });
      await volunteer.notHome(names[1]);
      await page.evaluate(() => { dispatchEvent(new Event('online')); });
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      exactlyOnce(await ofPhone(server, sign), 2);
      told.add('A blocked upgrade', `${engine}: a newer app opens the storage while a page of the older one holds it`, 1, await lostOrTwice(server, [sign], { visits: 2 }));
    } finally {
      await page.close();
    }
  });

  test(`${engine}: what an app of weeks ago kept is shown and sent by this one`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const before = await inputs(server.database);
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 2);
      await page.evaluate(() => { globalThis.fetch = () => Promise.reject(new TypeError('no network')); });
      await volunteer.notHome(names[0]);
      await volunteer.conversation(names[1], 'Det mangler lekeplasser.');
      // Every record as the first app wrote it: see tests/golden/phone-records-v1.json.
      const kept = await page.evaluate(() => new Promise((done, failed) => {
        const asked = indexedDB.open('dorbank-outbox');
        asked.onsuccess = () => {
          const transaction = asked.result.transaction(['meta', 'sealed', 'ticket'], 'readwrite');
          const counts = { tickets: 0, inputs: 0 };
          const each = (name, change) => {
            transaction.objectStore(name).openCursor().onsuccess = ({ target: { result: cursor } }) => {
              if (!cursor) return;
              change(cursor);
              cursor.continue();
            };
          };
          each('ticket', (cursor) => { cursor.update('1'); counts.tickets += 1; });
          each('sealed', (cursor) => {
            const { round: _, ...old } = JSON.parse(cursor.value);
            cursor.update(JSON.stringify(old));
            counts.inputs += 1;
          });
          for (const later of ['ends_at', 'mark']) transaction.objectStore('meta').delete(later);
          transaction.oncomplete = () => { asked.result.close(); done(counts); };
          transaction.onabort = () => failed(transaction.error);
        };
      }));
      assert.equal(kept.inputs, 1);
      assert.ok(kept.tickets > 0, 'there were tickets');
      await page.reload();
      await page.sees(w.word('saved.inputs_wait'), { patience: 30_000 });
      exactlyOnce(await ofPhone(server, sign), 2);
      const { sealed, acknowledged } = await volunteer.endShift();
      assert.deepEqual([sealed, acknowledged], [1, 1]);
      told.add('An outbox of an older app', `${engine}: records in the first shape, read and sent by this app`, 1, await lostOrTwice(server, [sign], { visits: 2, inputs: 1 }, before));
    } finally {
      await page.close();
    }
  });

  test(`${engine}: a storage that a newer app has changed is said, and nothing is ticked`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 2);
      await volunteer.notHome(names[0]);
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      // The newer one is not kept waiting by this page.
      const opened = await page.evaluate(() => new Promise((done) => {
        const asked = indexedDB.open('dorbank-outbox', 2);
        asked.onblocked = () => done('blocked');
        asked.onsuccess = () => { asked.result.close(); done('open'); };
      }));
      assert.equal(opened, 'open');
      const name = w.word('door.not_home_at', { door: names[1] });
      await page.click('button', name);
      await page.sees(w.word('storage.newer'), { patience: 20_000 });
      assert.ok(await page.has({ role: 'button', name }), 'no tick before it is saved');
      assert.ok(await page.has({ role: 'button', name: w.word('storage.export') }), 'a way out as a file');
      told.add('Storage of a newer app', `${engine}: the older page closes its connection, says so, and ticks nothing`, 1, await lostOrTwice(server, [sign], { visits: 1 }));
    } finally {
      await page.close();
    }
  });
}

/** The file that a tap hands to the person, as text. @param {import('./lib/page.mjs').Page} page @param {string} button */
async function savedFile(page, button) {
  await page.evaluate(() => {
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      blob.text().then((text) => { globalThis.saved = text; });
      return make.call(URL, blob);
    };
  });
  await page.click('button', button);
  return until('a file', () => page.evaluate(() => globalThis.saved), { patience: 20_000, explain: () => page.explain() });
}

/** An organiser takes it in. @param {string} file */
async function takeIn(file) {
  const page = await ChromiumPage.open({ phone: false, viewport: { width: 1100, height: 900 } });
  try {
    await signIn(page, server.origin, await server.database.one("SELECT name FROM officer WHERE role = 'county' AND active LIMIT 1"));
    await page.goto(`${server.origin}/plan/intake`);
    await page.page.setInputFiles('input[type=file]', { name: 'dorbank.json', mimeType: 'application/json', buffer: Buffer.from(file) });
    await page.click('button', w.word('intake.look'));
    await page.sees(w.word('intake.found'));
    await page.click('button', w.word('intake.take'));
    await page.sees(w.word('intake.taken'));
  } finally {
    await page.close();
  }
}

for (const engine of chosen) {
  test(`${engine}: a file leaves the phone, also where the app no longer starts, is taken in, and what the phone then sends is known`, { timeout: 150_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 2);
      await server.proxy.cut();
      await volunteer.notHome(names[0]);
      await volunteer.notHome(names[1]);
      await page.goto(`${server.origin}/field/settings`);
      const file = await savedFile(page, w.word('settings.export'));
      await server.proxy.open();
      // A record that nobody can read is no reason to keep the others.
      await leaveEntry(page, '{"envelope":');
      // The program does not come, and no worker holds it.
      await page.evaluate(async () => {
        for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
        for (const name of await caches.keys()) await caches.delete(name);
      });
      const shell = (await (await fetch(`${server.origin}/field/`)).text()).replace(/data-wasm="[^"]*"/, 'data-wasm="/assets/gone.wasm"');
      server.proxy.strike({ route: /^GET \/field\/$/, kind: 'answer', status: 200, body: shell, times: Infinity });
      server.proxy.strike({ route: /^POST \/sync\//, kind: 'cut', times: Infinity });
      await page.goto(`${server.origin}/field/`);
      await page.sees(w.word('shell.failed'), { patience: 20_000 });
      const other = await savedFile(page, `${w.word('settings.export')} / ${words('en').word('settings.export')}`);
      const told_of = (text) => (({ device, unsent }) => ({ device, unsent }))(JSON.parse(text));
      assert.deepEqual(told_of(other), told_of(file), 'both hold the same');
      server.proxy.heal();
      await takeIn(other);
      exactlyOnce(await ofPhone(server, sign), 2);
      await leaveEntry(page, '');
      await page.goto(`${server.origin}/field/`);
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      exactlyOnce(await ofPhone(server, sign), 2);
      told.add('A file from the phone', `${engine}: saved without a network and where the app does not start, taken in by an organiser, then the phone sends as well`, 1, await lostOrTwice(server, [sign], { visits: 2 }));
    } finally {
      server.proxy.heal();
      await server.proxy.open();
      await page.close();
    }
  });

  test(`${engine}: storage that is emptied while the app is open gets back what was noted at the doors`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 3);
      await volunteer.notHome(names[0]);
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      await server.proxy.cut();
      await volunteer.notHome(names[1]);
      await emptied(page, engine);
      // Without a network, and before anybody taps again.
      await page.sees(w.word('storage.emptied'), { patience: 20_000 });
      await volunteer.notHome(names[2]);
      await page.sees(w.count('saved.waiting', 2), { patience: 20_000 });
      const keys = (database, store) => page.evaluate(([name, of]) => new Promise((done) => {
        indexedDB.open(name).onsuccess = ({ target: { result } }) => {
          const asked = result.transaction([of]).objectStore(of).getAllKeys();
          asked.onsuccess = () => { result.close(); done(asked.result); };
        };
      }), [database, store]);
      const kept = await keys('dorbank-outbox', 'entry');
      assert.deepEqual(kept, [1, 2, 3], 'all that the page had is in storage again, under the counters it had');
      await until('the doors', async () => (await keys('dorbank-cache', 'bundle')).length === 1 && (await keys('dorbank-cache', 'turf')).length > 0, { patience: 20_000 });
      await server.proxy.open();
      await page.reload();
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      const found = await ofPhone(server, sign);
      exactlyOnce(found, 3);
      told.add('Storage emptied under an open page', `${engine}: all that the browser holds is deleted while a visit is unsent; the page goes on and is opened again`, 1, await lostOrTwice(server, [sign], { visits: 3 }));
    } finally {
      await server.proxy.open();
      await page.close();
    }
  });

  test(`${engine}: what each of two pages knows is there after storage was emptied under both`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 4);
      await volunteer.notHome(names[0]);
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      const { other, second } = await anotherTab(server, page);
      // The first one sleeps, and hears nothing of what the second one notes.
      await other.evaluate(() => { BroadcastChannel.prototype.postMessage = () => {}; });
      await second.notHome(names[1]);
      await other.sees(w.word('saved.all_sent'), { patience: 30_000 });
      await server.proxy.cut();
      await emptied(other, engine);
      await volunteer.notHome(names[2]);
      await page.sees(w.word('storage.emptied'), { patience: 20_000 });
      await second.notHome(names[3]);
      const entries = () => other.evaluate(() => new Promise((done) => {
        indexedDB.open('dorbank-outbox').onsuccess = ({ target: { result } }) => {
          const asked = result.transaction(['entry']).objectStore('entry').getAll();
          asked.onsuccess = () => { result.close(); done(asked.result.map((text) => JSON.parse(text).envelope?.id ?? text)); };
        };
      }));
      await until('all that both noted', async () => new Set(await entries()).size === 4, { patience: 20_000 });
      await other.close();
      await server.proxy.open();
      await page.reload();
      await page.sees(w.word('saved.all_sent'), { patience: 40_000 });
      exactlyOnce(await ofPhone(server, sign), 4);
      told.add('Storage emptied under an open page', `${engine}: two pages are open, and one has not heard yet what the other noted and sent`, 1, await lostOrTwice(server, [sign], { visits: 4 }));
    } finally {
      await server.proxy.open();
      await page.close();
    }
  });

  test(`${engine}: what a sleeping page knows is sent as who noted it where storage was emptied and somebody joined anew`, { timeout: 150_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const turf = next();
      const { volunteer, sign } = await joined(server, page, turf);
      const names = await volunteer.openEntrance(0, 2);
      await volunteer.notHome(names[0]);
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      // It sleeps: nothing that it sends arrives.
      await page.evaluate(() => { globalThis.awake = fetch; globalThis.fetch = () => Promise.reject(new TypeError('asleep')); });
      await volunteer.notHome(names[1]);
      await page.sees(w.count('saved.waiting', 1), { patience: 20_000 });
      await emptied(page, engine);
      const other = await page.tab();
      const anew = await joined(server, other, turf);
      assert.notEqual(anew.sign, sign, 'another phone, as far as the lead sees');
      await other.close();
      await page.evaluate(() => { globalThis.fetch = globalThis.awake; dispatchEvent(new Event('focus')); });
      await until('the second visit', async () => (await ofPhone(server, sign)).visits.length === 2, { patience: 40_000 });
      exactlyOnce(await ofPhone(server, sign), 2);
      told.add('Storage emptied under an open page', `${engine}: somebody joins anew in it while the page that knows an unsent visit sleeps`, 1, await lostOrTwice(server, [sign, anew.sign], { visits: 2 }));
    } finally {
      await page.close();
    }
  });

  test(`${engine}: an entry that this app cannot read stops no other, and nobody says that all is sent`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 1);
      // As a newer app might have left it.
      await leaveEntry(page, '{"envelope":{"moved":true},"status":"moved_house"}');
      await page.reload();
      await volunteer.notHome(names[0]);
      await until('the visit on the server', async () => (await ofPhone(server, sign)).visits.length === 1, { patience: 30_000 });
      await until('one that waits', async () => (await volunteer.savedLine()).includes(w.count('saved.waiting', 1)), { patience: 20_000, explain: () => page.explain() });
      await leaveEntry(page, '');
      await page.reload();
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      exactlyOnce(await ofPhone(server, sign), 1);
      told.add('A record that cannot be read', `${engine}: an entry in a shape that this app does not know, beside one that it notes`, 1, await lostOrTwice(server, [sign], { visits: 1 }));
    } finally {
      await page.close();
    }
  });
}

// WebKit's browser is always one that keeps nothing, when it is driven.
for (const engine of chosen.filter((name) => name !== 'webkit')) {
  test(`${engine}: in a private window a phone works, and the ready check does not say that it may be closed`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open({ isPrivate: true });
    const lead = await Lead.signIn(server);
    try {
      const before = await inputs(server.database);
      const volunteer = new Volunteer(page, server.origin);
      const sign = await volunteer.join(await lead.code());
      await lead.admit(sign, next());
      await volunteer.admitted();
      const names = await volunteer.openEntrance(0, 2);
      await volunteer.notHome(names[0]);
      await volunteer.conversation(names[1], 'Det er mørkt ved bussholdeplassen.');
      await page.goto(`${server.origin}/field/ready`);
      await page.sees(w.word('ready.title'));
      await page.sees(w.word('ready.persisted_do'));
      assert.equal((await page.text()).includes(w.word('ready.all')), false, 'not all is ready');
      const figures = await volunteer.endShift();
      exactlyOnce(await ofPhone(server, sign), figures.here);
      told.add('A private window', `${engine}: joined, noted and sent`, 1, await lostOrTwice(server, [sign], { visits: 2, inputs: 1 }, before));
    } finally {
      await lead.close();
      await page.close();
    }
  });
}

for (const engine of chosen) {
  test(`${engine}: a browser that refuses storage is told so before anything is noted, and takes no identity`, { timeout: 60_000 }, async () => {
    const page = await ENGINES[engine].open();
    const lead = await Lead.signIn(server);
    try {
      const first = () => {
        IDBFactory.prototype.open = () => { throw new DOMException('storage is not allowed here', 'SecurityError'); };
      };
      const boot = /\/assets\/boot\.[^"]*/.exec(await (await fetch(`${server.origin}/field/`)).text())?.[0];
      const body = `(${first})();\n${await (await fetch(server.origin + boot)).text()}`;
      server.proxy.strike({ route: /^GET \/assets\/boot\./, kind: 'answer', status: 200, body, headers: { 'content-type': 'text/javascript', 'cache-control': 'no-store' }, times: Infinity });
      await page.goto(`${server.origin}/field/`);
      await page.sees(w.word('storage.unread_title'), { patience: 20_000 });
      await page.goto(`${server.origin}/field/join`);
      await page.fill(w.word('join.code'), await lead.code());
      const joins = server.proxy.count(/^POST \/join\//);
      await page.click('button', w.word('join.go'));
      await page.sees(w.word('join.storage'), { patience: 20_000 });
      assert.equal(server.proxy.count(/^POST \/join\//), joins, 'no place of the shift was taken');
      told.add('Storage is refused', `${engine}: IndexedDB throws SecurityError`, 1, await lostOrTwice(server, [], { visits: 0 }));
    } finally {
      server.proxy.heal();
      await lead.close();
      await page.close();
    }
  });

  test(`${engine}: storage that cannot be read when the app starts is said, and read as soon as it can be`, { timeout: 120_000 }, async () => {
    const page = await ENGINES[engine].open();
    try {
      const { volunteer, sign } = await joined(server, page, next());
      const names = await volunteer.openEntrance(0, 1);
      await server.proxy.cut();
      await volunteer.notHome(names[0]);
      const first = () => {
        const { open } = IDBFactory.prototype;
        IDBFactory.prototype.open = function opened(...args) {
          if (!sessionStorage.getItem('healed')) throw new DOMException('the storage is gone', 'UnknownError');
          return open.apply(this, args);
        };
      };
      // Without a network the page starts from the copies that its worker holds. The program has another address than the
      // one that the browser itself remembers.
      await page.evaluate(async (before) => {
        const change = async (address, how) => {
          const [name] = await caches.keys();
          const cache = await caches.open(name);
          const held = await cache.match(address);
          await cache.put(address, new Response(how(await held.text()), { headers: held.headers }));
        };
        await change('/field/', (shell) => shell.replace(/src="[^"]*/, '$&?first'));
        await change(new URL(document.querySelector('#boot').src).pathname, (program) => `(${before})();\n${program}`);
      }, String(first));
      await page.goto(`${server.origin}/field/`);
      await page.sees(w.word('storage.unread'), { patience: 20_000 });
      assert.equal(await page.has({ role: 'textbox', name: w.word('join.code') }), false, 'nobody is asked to join again');
      assert.equal(await page.has({ role: 'button', name: w.word('storage.export') }), false, 'no file without anything in it');
      await page.evaluate(() => { sessionStorage.setItem('healed', 'yes'); });
      await page.waitFor('the notice to go, without a tap', () => document.querySelector('.banner') === null, undefined, { patience: 30_000 });
      await page.sees(w.count('saved.waiting', 1));
      await server.proxy.open();
      await page.evaluate(() => { dispatchEvent(new Event('online')); });
      await page.sees(w.word('saved.all_sent'), { patience: 30_000 });
      exactlyOnce(await ofPhone(server, sign), 1);
      told.add('Storage cannot be read at the start', `${engine}: every connection fails as the app is opened with a visit unsent, until it does no more`, 1, await lostOrTwice(server, [sign], { visits: 1 }));
    } finally {
      await server.proxy.open();
      await page.close();
    }
  });
}
