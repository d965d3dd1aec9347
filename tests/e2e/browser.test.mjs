// What a browser and a phone do on a bad day, on each of the three engines as far as it can be driven: killed in the middle
// of a save or a push, full, emptied, copied, with a clock that is years off. What was ticked is on the server once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inputs } from './lib/database.mjs';
import { chosen, ENGINES } from './lib/engines/all.mjs';
import { ChromiumPage } from './lib/engines/chromium.mjs';
import { Lead } from './lib/lead.mjs';
import { LOGIN_PAGE } from './lib/proxy.mjs';
import { Reliability } from './lib/reliability.mjs';
import { run } from './lib/run.mjs';
import { Server } from './lib/server.mjs';
import { killedAt } from './lib/stop.mjs';
import { anotherTab, joined, lostOrTwice, ofPhone, onPhone } from './lib/story.mjs';
import { Volunteer } from './lib/volunteer.mjs';
import { until } from './lib/wait.mjs';
import { words } from './lib/words.mjs';

const PUSH = /^POST \/sync\/v1\/push/;
const SYNC = /^(POST|GET) \/(sync|inputs)\//;
const w = words('nb');
const told = new Reliability('browsers', 'Phones in real browsers', 'Chromium, Firefox and WebKit against the release build, one volunteer each. Again with `scripts/e2e browser`.');

/** @type {Server} */ let server;
before(async () => {
  server = await Server.start();
  // More phones than any shift has come to this one.
  await run('sqlite3', ['-cmd', '.timeout 10000', server.address.replace('sqlite:', ''), 'UPDATE shift SET capacity = 90']);
});
after(async () => { told.write(); await server.stop(); });

/** What a phone does when it finds a network again. */
const nudge = (page) => page.evaluate(() => { dispatchEvent(new Event('online')); });
const allSent = (page) => page.sees(w.word('saved.all_sent'), { patience: 40_000 });

/** The shift's turfs in turn, so that none runs out of doors. */
let turn = 0;
const next = () => turn++ % 5;

/**
 * A phone of that engine works through a fault; then every tick must be on the server, once.
 * @param {string} engine @param {string} fault @param {string} tried
 * @param {(at: { page: any, volunteer: Volunteer, names: string[], sign: string }) => Promise<{ ticked: number, sealed?: number, times: number }>} work
 */
async function survives(engine, fault, tried, doors, work) {
  let did = /** @type {{ ticked: number, sealed?: number, times: number }} */ ({ ticked: 0, times: 0 });
  const had = await inputs(server.database);
  const { figures, found, sign } = await onPhone(server, await ENGINES[engine].open(), next(), doors, async (at) => { did = await work(at); });
  told.add(fault, `${engine}: ${tried}`, did.times, await lostOrTwice(server, [sign], { visits: did.ticked, inputs: did.sealed }, had));
  return { figures, found, ...did };
}

/** A tap on a full phone: the words about it, no tick, a way out, and the tick once there is room. @param {any} page @param {string} door @param {() => Promise<unknown>} makeRoom */
async function roomAgain(page, door, makeRoom) {
  const name = w.word('door.not_home_at', { door });
  await page.click('button', name);
  await page.sees(w.word('storage.title'), { patience: 20_000 });
  assert.ok(await page.has({ role: 'button', name }), 'no tick before it is saved');
  assert.ok(await page.has({ role: 'button', name: w.word('storage.export') }), 'a way out as a file');
  await makeRoom();
  await page.click('button', w.word('storage.again')).catch(() => {});
  await until('the tick', async () => !(await page.has({ role: 'button', name })), { patience: 20_000, explain: () => page.explain() });
  await page.waitFor('the notice to go', () => document.querySelector('.banner') === null, undefined, { patience: 20_000 });
}

for (const engine of chosen) {
  test(`${engine}: answers of every bad kind, and cut short to every length, are no receipts`, { timeout: 240_000 }, async () => {
    await survives(engine, 'Answers that are none', 'login page, empty, 413, 429, 502, 504, lost, and a receipt cut short after each of its bytes', 1, async ({ page, volunteer, names }) => {
      const faults = /** @type {import('./lib/proxy.mjs').Fault[]} */ ([
        { route: PUSH, kind: 'answer', status: 200, body: LOGIN_PAGE },
        { route: PUSH, kind: 'answer', status: 200, body: '' },
        { route: PUSH, kind: 'answer', status: 413, body: '' },
        { route: PUSH, kind: 'answer', status: 429, body: '', headers: { 'retry-after': '1' } },
        { route: PUSH, kind: 'answer', status: 502, body: 'bad gateway' },
        { route: PUSH, kind: 'answer', status: 504, body: '' },
        { route: PUSH, kind: 'drop' },
      ]);
      const others = faults.length;
      // The first of these faults that is as long as the receipt cuts nothing.
      for (let bytes = 0; bytes < 800; bytes += 1) faults.push({ route: PUSH, kind: bytes % 2 ? 'truncate' : 'shorten', bytes });
      for (const fault of faults) server.proxy.strike(fault);
      await page.evaluate(() => { globalThis.knocking = setInterval(() => dispatchEvent(new Event('online')), 15); });
      await volunteer.notHome(names[0]);
      await until('every fault to strike', async () => (await volunteer.savedLine()).includes(w.word('saved.all_sent')), { patience: 150_000, every: 200, explain: async () => `${server.proxy.pending} left` });
      await page.evaluate(() => clearInterval(globalThis.knocking));
      const struck = faults.length - server.proxy.pending;
      const receipt = Math.max(...faults.map((fault) => fault.whole ?? 0));
      assert.ok(struck >= others + receipt, `${struck} faults struck, where a receipt has ${receipt} bytes`);
      return { ticked: 1, times: struck };
    });
  });

  test(`${engine}: why a visit waits is said, and that it is safe`, { timeout: 120_000 }, async () => {
    const answers = /** @type {const} */ ([
      [{ status: 200, body: LOGIN_PAGE }, 'saved.portal'],
      [{ status: 413, body: '' }, 'saved.server'],
      [{ status: 200, body: '' }, 'saved.portal'],
      [{ status: 429, body: '' }, 'saved.server'],
      [{ status: 403, body: '' }, 'saved.portal'],
      [{ status: 503, body: '', headers: { 'retry-after': '1' } }, 'saved.server'],
      [{ status: 404, body: '' }, 'saved.portal'],
      [{ status: 502, body: 'bad gateway' }, 'saved.server'],
      [{ status: 200, body: LOGIN_PAGE }, 'saved.portal'],
      [{ status: 504, body: '' }, 'saved.server'],
    ]);
    await survives(engine, 'Words for each bad answer', 'login page, empty, 403, 404, 413, 429, 502, 503, 504: the line says what is safe and why it waits', 1, async ({ page, volunteer, names }) => {
      const strike = (answer) => {
        server.proxy.heal();
        server.proxy.strike({ route: SYNC, kind: 'answer', times: Infinity, ...answer });
      };
      strike(answers[0][0]);
      await volunteer.notHome(names[0]);
      for (const [answer, word] of answers) {
        strike(answer);
        await until(`${answer.status} to be called ${word}`, async () => {
          await nudge(page);
          return (await volunteer.savedLine()).includes(w.word(word, { n: 1 }));
        }, { patience: 20_000, every: 100, explain: () => page.explain() });
      }
      await page.goto(`${server.origin}/field/end`);
      await page.sees(w.word('saved.server', { n: 1 }), { patience: 20_000 });
      return { ticked: 1, times: answers.length };
    });
  });

  test(`${engine}: a phone that cannot write receipts says so, offers nothing that is needless, and sends on`, { timeout: 120_000 }, async () => {
    await survives(engine, 'No room for receipts', 'visits are written, their receipts are not, until there is room again', 2, async ({ page, volunteer, names }) => {
      await page.evaluate(() => {
        globalThis.full = true;
        const write = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = function written(...args) {
          if (globalThis.full && this.name === 'entry') throw new DOMException('the quota is used up', 'QuotaExceededError');
          return write.apply(this, args);
        };
      });
      await volunteer.notHome(names[0]);
      await nudge(page);
      await until('the words about it', async () => (await volunteer.savedLine()).includes(w.word('saved.no_receipts', { n: 1 })), { patience: 20_000, explain: () => page.explain() });
      assert.equal(await page.evaluate(() => document.querySelector('.banner')), null, 'what was noted is saved');
      await volunteer.notHome(names[1]);
      await page.evaluate(() => { globalThis.full = false; });
      await nudge(page);
      await allSent(page);
      return { ticked: 2, times: 1 };
    });
  });

  test(`${engine}: the server is killed between save and receipt, before and after it committed`, { timeout: 120_000 }, async () => {
    await survives(engine, 'The server is killed', 'before a visit, and between its commit and the receipt', 3, async ({ page, volunteer, names }) => {
      await server.kill();
      await volunteer.notHome(names[0]);
      await server.up();
      let killed = false;
      server.proxy.strike({ route: PUSH, kind: 'call', run: async () => { await server.kill(); killed = true; } });
      await volunteer.notHome(names[1]);
      await nudge(page);
      await until('the kill', () => killed, { patience: 30_000 });
      await volunteer.notHome(names[2]);
      await server.up();
      await nudge(page);
      await allSent(page);
      return { ticked: 3, times: 2 };
    });
  });

  test(`${engine}: two tabs of one phone share one outbox: no counter twice, no visit twice`, { timeout: 120_000 }, async () => {
    await survives(engine, 'Two tabs', 'both note without a network, in turn and at once, and both send', 4, async ({ page, volunteer, names }) => {
      const { other, second } = await anotherTab(server, page);
      await server.proxy.cut();
      await Promise.all([volunteer.notHome(names[0]), second.notHome(names[1])]);
      await Promise.all([volunteer.notHome(names[2]), second.notHome(names[3])]);
      await server.proxy.open();
      await Promise.all([nudge(page), nudge(other)]);
      await Promise.all([allSent(page), allSent(other)]);
      await other.close();
      return { ticked: 4, times: 1 };
    });
  });

  test(`${engine}: a tab that ends before it tells the other one what it noted`, { timeout: 120_000 }, async () => {
    await survives(engine, 'Two tabs', 'one notes without a network and ends before it says so, the other sends it', 2, async ({ page, volunteer, names, sign }) => {
      await volunteer.notHome(names[0]);
      await allSent(page);
      const { other, second } = await anotherTab(server, page);
      await server.proxy.cut();
      await other.evaluate(() => { BroadcastChannel.prototype.postMessage = () => {}; });
      await second.notHome(names[1]);
      await other.close();
      await server.proxy.open();
      await nudge(page);
      await until('what the other tab noted', async () => (await ofPhone(server, sign)).visits.length === 2, { patience: 40_000 });
      await allSent(page);
      return { ticked: 2, times: 1 };
    });
  });

  const killed = engine === 'webkit' ? 'the tab closed and its process killed' : 'the browser killed';
  test(`${engine}: ended at each step of saving`, { timeout: 240_000 }, async () => {
    await survives(engine, 'The app ends while it saves', `${killed} before the write begins, before its commit, and before the tick is shown`, 3, async ({ page, volunteer, names, sign }) => {
      const address = await page.evaluate(() => location.href);
      const steps = /** @type {const} */ ([['save-begins', false], ['save-written', false], ['save-committed', true]]);
      for (const [at, [step, kept]] of steps.entries()) {
        server.proxy.strike({ route: SYNC, kind: 'cut', times: Infinity });
        const ticked = await killedAt(page, step, w.word('door.not_home_at', { door: names[at] }));
        assert.equal(ticked, false, `no tick at ${step}`);
        await page.revive(address);
        const left = await volunteer.untouched();
        assert.equal(!left.includes(names[at]), kept, `whether it is there after ${step}`);
        if (!kept) await volunteer.notHome(names[at]);
        server.proxy.heal();
        await nudge(page);
        await allSent(page);
        assert.equal((await ofPhone(server, sign)).visits.length, at + 1, `on the server once after ${step}`);
      }
      return { ticked: steps.length, times: steps.length };
    });
  });

  test(`${engine}: ended at each step of sending`, { timeout: 240_000 }, async () => {
    await survives(engine, 'The app ends while it sends', `${killed} as the request leaves, while the answer is held back, before the receipt's commit, and after it`, 4, async ({ page, volunteer, names, sign }) => {
      const address = await page.evaluate(() => location.href);
      const visits = async () => (await ofPhone(server, sign)).visits.length;
      for (const [at, step] of /** @type {const} */ (['push-leaves', 'push-answered', 'receipt-written', 'receipt-committed']).entries()) {
        if (step === 'push-answered') {
          // The server has it, and its answer never comes.
          let [held, release] = [false, () => {}];
          const gone = new Promise((done) => { release = () => done(undefined); });
          server.proxy.strike({ route: PUSH, kind: 'call', run: () => { held = true; return gone; } });
          await volunteer.notHome(names[at]);
          await until('the answer to be held back', () => held);
          await page.kill();
          release();
        } else {
          const ticked = await killedAt(page, step, w.word('door.not_home_at', { door: names[at] }));
          assert.equal(ticked, true, `a tick at ${step}`);
        }
        assert.equal(await visits(), step === 'push-leaves' ? at : at + 1, `on the server at ${step}`);
        const pushes = server.proxy.count(PUSH);
        await page.revive(address);
        assert.ok(!(await volunteer.untouched()).includes(names[at]), `the tick is there after ${step}`);
        await allSent(page);
        // It is offered again until its receipt is kept, and no longer.
        assert.equal(server.proxy.count(PUSH) > pushes, step !== 'receipt-committed', `whether it is sent again after ${step}`);
        assert.equal(await visits(), at + 1, `on the server once after ${step}`);
      }
      return { ticked: 4, times: 4 };
    });
  });

  test(`${engine}: a connection to storage that fails for ever, and a clock that is years off`, { timeout: 120_000 }, async () => {
    await survives(engine, 'A dead handle, a wrong clock', 'every open connection fails until it is opened anew; the clock jumps five years ahead, then ten back', 4, async ({ page, volunteer, names }) => {
      await page.evaluate(() => {
        // What WebKit does when it comes back from the background: old handles fail, new ones work.
        const fresh = new WeakSet();
        const { open } = IDBFactory.prototype;
        IDBFactory.prototype.open = function opened(...args) {
          const request = open.apply(this, args);
          request.addEventListener('success', () => fresh.add(request.result));
          return request;
        };
        const { transaction } = IDBDatabase.prototype;
        IDBDatabase.prototype.transaction = function begun(...args) {
          if (!fresh.has(this)) throw new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError');
          return transaction.apply(this, args);
        };
      });
      await volunteer.notHome(names[0]);
      const now = await page.evaluate(() => { globalThis.realNow = Date.now.bind(Date); return Date.now(); });
      assert.ok(now > 0);
      await page.evaluate(() => { Date.now = () => globalThis.realNow() + 5 * 31_536_000_000; });
      await volunteer.notHome(names[1]);
      await page.evaluate(() => { Date.now = () => globalThis.realNow() - 5 * 31_536_000_000; });
      await volunteer.notHome(names[2]);
      await page.evaluate(() => { Date.now = globalThis.realNow; });
      await volunteer.notHome(names[3]);
      await nudge(page);
      await allSent(page);
      return { ticked: 4, times: 3 };
    });
  });

  test(`${engine}: a full phone says so, keeps what was tapped, and saves it once there is room`, { timeout: 120_000 }, async () => {
    // A request that fails: Firefox committed the rest of its transaction, and counters were left out.
    const ways = ['at once', 'as its request fails', 'as its transaction is aborted'];
    await survives(engine, 'No room on the phone', `no visit is written, as when the quota is used up (${ways.join(', ')}), until there is room again`, 4, async ({ page, volunteer, names }) => {
      await page.evaluate(() => {
        const quota = () => new DOMException('the quota is used up', 'QuotaExceededError');
        for (const method of ['add', 'put']) {
          const write = IDBObjectStore.prototype[method];
          IDBObjectStore.prototype[method] = function written(...args) {
            if (globalThis.full === 'at once') throw quota();
            // A second record under a key that is there already: the request's own error, and with it the transaction's end.
            if (globalThis.full === 'as its request fails' && method === 'add') return write.call(this.transaction.objectStore('meta'), '', 'identity');
            return write.apply(this, args);
          };
        }
        const { commit } = IDBTransaction.prototype;
        IDBTransaction.prototype.commit = function committed() {
          if (globalThis.full !== 'as its transaction is aborted') return commit.call(this);
          Object.defineProperty(this, 'error', { value: quota() });
          return this.abort();
        };
      });
      for (const [at, way] of ways.entries()) {
        await page.evaluate((now) => { globalThis.full = now; }, way);
        await roomAgain(page, names[at], () => page.evaluate(() => { globalThis.full = ''; }));
      }
      await volunteer.notHome(names[3]);
      return { ticked: ways.length + 1, times: ways.length };
    });
  });

  test(`${engine}: an app that is too old may send and not fetch, and says so`, { timeout: 120_000 }, async () => {
    await survives(engine, 'An old app, a new server', 'the server asks for a higher number of the app, and later for this one again', 2, async ({ page, volunteer, names }) => {
      await server.kill();
      server.env.DORBANK_CLIENT_MIN = '1000';
      await volunteer.notHome(names[0]);
      await server.up();
      await nudge(page);
      await page.sees(w.word('update.needed'), { patience: 30_000 });
      await until('the visit to be sent', async () => Number(await server.database.one('SELECT MIN(unsent) AS n FROM device WHERE last_seen_at = (SELECT MAX(last_seen_at) FROM device)')) === 0);
      await volunteer.notHome(names[1]);
      await server.kill();
      delete server.env.DORBANK_CLIENT_MIN;
      await server.up();
      await nudge(page);
      await page.waitFor('the notice to go', () => document.querySelector('.banner') === null, undefined, { patience: 30_000 });
      return { ticked: 2, times: 1 };
    });
  });

  test(`${engine}: a newer app on an older server sends, fetches and proves as before`, { timeout: 120_000 }, async () => {
    await survives(engine, 'A newer app, an older server', 'answers without what was added since version 1, with what is gone since; no /sync/v1/renew', 2, async ({ page, volunteer, names }) => {
      const older = ({ cloned: _cloned, day: _day, backed_up_through: _through, ...answer }) => ({ ...answer, mood: 'fine', results: answer.results?.map(({ seq: _seq, after_ms: _after, ...result }) => result) });
      const before = server.proxy.count(SYNC);
      server.proxy.strike({ route: /^POST \/sync\/v1\/renew/, kind: 'answer', status: 404, body: '', times: Infinity });
      server.proxy.strike({ route: SYNC, kind: 'rewrite', rewrite: older, times: Infinity });
      await volunteer.notHome(names[0]);
      await allSent(page);
      await page.reload();
      await volunteer.conversation(names[1], 'Benken ved lekeplassen er borte.');
      const figures = await volunteer.endShift();
      assert.deepEqual([figures.here, figures.held, figures.sealed, figures.acknowledged], [2, 2, 1, 1]);
      return { ticked: 2, sealed: 1, times: server.proxy.count(SYNC) - before };
    });
  });

  test(`${engine}: who joins another shift with visits unsent loses none of them`, { timeout: 120_000 }, async () => {
    const [page, turf] = [await ENGINES[engine].open(), next()];
    try {
      const { volunteer, sign } = await joined(server, page, turf);
      const names = await volunteer.openEntrance(0, 2);
      server.proxy.strike({ route: SYNC, kind: 'answer', status: 502, body: '', times: Infinity });
      await volunteer.notHome(names[0]);
      await volunteer.notHome(names[1]);
      const lead = await Lead.signIn(server);
      const code = await lead.code();
      const fresh = await volunteer.join(code);
      assert.notEqual(fresh, sign);
      server.proxy.heal();
      await lead.admit(fresh, turf);
      await lead.close();
      await volunteer.admitted();
      await until('the earlier visits', async () => (await ofPhone(server, sign)).visits.length === 2, { patience: 40_000, explain: () => page.explain() });
      const figures = await volunteer.endShift();
      assert.deepEqual([figures.here, figures.held], [0, 0], 'the new shift counts for itself');
      told.add('Another shift before all is sent', `${engine}: the server fails, two visits wait, the phone joins anew`, 1, await lostOrTwice(server, [sign, fresh], { visits: 2 }));
    } finally {
      server.proxy.heal();
      await page.close();
    }
  });

  test(`${engine}: a restored server gets again what phones had sent it, inputs too`, { timeout: 180_000 }, async () => {
    const [page, turf] = [await ENGINES[engine].open(), next()];
    try {
      const { volunteer, sign } = await joined(server, page, turf);
      const names = await volunteer.openEntrance(0, 3);
      await server.command('backup', `${server.folder}/early-${engine}.db`);
      const had = await inputs(server.database);
      await volunteer.notHome(names[0]);
      await volunteer.conversation(names[1], 'Det mangler lys på stien.');
      const before = await volunteer.endShift();
      assert.deepEqual([before.sealed, before.acknowledged], [1, 1]);
      await server.kill();
      await server.command('restore', `${server.folder}/early-${engine}.db`);
      assert.equal((await ofPhone(server, sign)).visits.length, 0, 'the backup is older than the visits');
      await server.up();
      await nudge(page);
      const after = await volunteer.endShift();
      assert.deepEqual(after, before);
      told.add('The server is restored from an older backup', `${engine}: two visits and an input sent after the backup`, 1, await lostOrTwice(server, [sign], { visits: 2, inputs: 1 }, had));
    } finally {
      await page.close();
    }
  });
}

if (chosen.includes('chromium')) {
  // The only engine whose quota can be set while it runs.
  test('a phone whose quota is used up says so, and saves what was tapped once there is more', { timeout: 120_000 }, async () => {
    await survives('chromium', 'The quota is used up', 'the browser itself aborts each write, until it allows more', 2, async ({ page, volunteer, names }) => {
      const address = await page.evaluate(() => location.href);
      await server.proxy.cut();
      // The browser remembers for a while how much is left, but not over its end.
      await page.restart('about:blank');
      const protocol = await page.protocol();
      await protocol.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 1 });
      await page.goto(address);
      await page.evaluate(() => {
        globalThis.aborted = [];
        const { transaction } = IDBDatabase.prototype;
        IDBDatabase.prototype.transaction = function begun(...args) {
          const made = transaction.apply(this, args);
          made.addEventListener('abort', () => { globalThis.aborted.push(made.error?.name); });
          return made;
        };
      });
      await roomAgain(page, names[0], async () => {
        assert.ok((await page.evaluate(() => globalThis.aborted)).includes('QuotaExceededError'), 'the browser aborted the transaction itself');
        await protocol.send('Storage.overrideQuotaForOrigin', { origin: server.origin });
      });
      await volunteer.notHome(names[1]);
      await server.proxy.open();
      await nudge(page);
      await allSent(page);
      return { ticked: 2, times: 1 };
    });
  });

  // Nobody else can be told from outside to throw a site's storage away.
  test('a phone that the browser emptied joins again, and what it had sent is there', { timeout: 120_000 }, async () => {
    const [page, turf] = [await ChromiumPage.open(), next()];
    try {
      const { volunteer, sign } = await joined(server, page, turf);
      const names = await volunteer.openEntrance(0, 2);
      await volunteer.notHome(names[0]);
      await nudge(page);
      await allSent(page);
      const protocol = await page.protocol();
      // An open page would give storage back what it knows.
      await page.goto('about:blank');
      await protocol.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'all' });
      await page.goto(`${server.origin}/field/`);
      await page.sees(w.word('join.title'), { patience: 20_000 });
      const again = await joined(server, page, turf);
      const left = await again.volunteer.openEntrance(0, 1);
      assert.ok(!left.includes(names[0]), 'the door that was noted before is noted still');
      told.add('The browser throws the storage away', 'chromium: all storage cleared after a push', 1, await lostOrTwice(server, [sign, again.sign], { visits: 1 }));
    } finally {
      await page.close();
    }
  });

  // The only engine here whose profile is copied.
  test('two phones from one copied storage both count on, each for itself', { timeout: 180_000 }, async () => {
    const page = await ChromiumPage.open();
    const { volunteer, sign } = await joined(server, page, next());
    await volunteer.openEntrance(0, 4);
    const address = await page.evaluate(() => location.href);
    const other = await page.copy();
    try {
      await Promise.all([page.goto(address), other.goto(address)]);
      const second = new Volunteer(other, server.origin);
      const names = await volunteer.untouched();
      const visits = async () => Number(await server.database.one('SELECT COUNT(*) AS n FROM visit WHERE superseded_by IS NULL AND device IS NOT NULL'));
      const had = await visits();
      await volunteer.notHome(names[0]);
      await second.notHome(names[1]);
      // The second has the first one's counter: it takes another identity, and goes on.
      await until('another identity', async () => Number(await server.database.one('SELECT COUNT(*) AS n FROM device WHERE renewed_from IS NOT NULL')) > 0, { patience: 40_000, explain: () => other.explain() });
      await second.notHome(names[2]);
      await volunteer.notHome(names[3]);
      await Promise.all([nudge(page), nudge(other)]);
      await until('all four visits', async () => await visits() - had === 4, { patience: 40_000 });
      // Who has just taken another identity has noted nothing under that yet.
      const nothingWaits = new RegExp(`${w.word('saved.all_sent')}|${w.word('saved.nothing_yet')}`);
      await Promise.all([page, other].map((phone) => phone.sees(nothingWaits, { patience: 40_000 })));
      told.add('A copied phone', 'chromium: the profile copied after joining, both go on', 1, await lostOrTwice(server, [sign], { visits: 4 }));
    } finally {
      await other.close();
      await page.close();
    }
  });
}
