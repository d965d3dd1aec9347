// The release binary on a fresh copy of the demo: started, killed without warning, started again.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './net.mjs';
import { BINARY, SITE, TARGET } from './paths.mjs';
import { Cluster } from './postgres.mjs';
import { database } from './database.mjs';
import { Proxy } from './proxy.mjs';
import { run } from './run.mjs';
import { until } from './wait.mjs';

if (!existsSync(BINARY) || !existsSync(SITE)) {
  throw new Error('build first: scripts/build, and cargo build --release -p dorbank-server');
}

/** One made demo of each size for all tests of a run: copying it is fast, making it is not. */
const made = /** @type {Map<string, Promise<string>>} */ (new Map());

/** The folder with a demo on SQLite: `demo.db` and the keys. @param {string} size */
async function demo(size) {
  const make = async () => {
    // Made again by every run: a demo of yesterday has no shift today.
    mkdirSync(TARGET, { recursive: true });
    const folder = mkdtempSync(join(tmpdir(), 'dorbank-demo-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    await run(BINARY, ['demo', '--size', size, '--database', `sqlite:${folder}/demo.db`, '--data', `${folder}/data`]);
    return folder;
  };
  const folder = made.get(size) ?? make();
  made.set(size, folder);
  return folder;
}

export class Server {
  /** @type {import('node:child_process').ChildProcess | null} */ #child = null;
  /** The last lines that the server wrote, for a failure's text. @type {string[]} */
  said = [];
  /** How many entries were in quarantine before anybody did anything. */
  keptAtStart = 0;

  /**
   * @param {{ engine?: 'sqlite' | 'postgres', site?: string, env?: Record<string, string>, bare?: boolean, size?: 'small' | 'default' | 'large' }} [options]
   *   `bare`: an empty database instead of the demo; `size`: the demo's
   */
  static async start({ engine = 'sqlite', site = SITE, env = {}, bare = false, size = 'small' } = {}) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), 'dorbank-server-'));
    server.data = `${server.folder}/data`;
    server.site = site;
    server.env = env;
    if (bare) {
      server.address = `sqlite:${server.folder}/bare.db`;
    } else if (engine === 'sqlite') {
      const from = await demo(size);
      // VACUUM INTO writes one whole file, whatever still lies in the log beside the database.
      await run('sqlite3', [`${from}/demo.db`, `VACUUM INTO '${server.folder}/demo.db'`]);
      if (existsSync(`${from}/data`)) cpSync(`${from}/data`, server.data, { recursive: true });
      server.address = `sqlite:${server.folder}/demo.db`;
    } else {
      server.cluster = await Cluster.start();
      server.address = await server.cluster.create('dorbank');
      await run(BINARY, ['demo', '--size', size, '--database', server.address, '--data', server.data]);
    }
    server.database = database(server.address);
    // A demo has some entries that wait to be looked at; what a test is asked about is what came since.
    if (!bare) server.keptAtStart = Number(await server.database.one('SELECT COUNT(*) AS n FROM quarantine'));
    server.port = await freePort();
    server.proxy = await new Proxy(`http://127.0.0.1:${server.port}`).open();
    await server.up();
    return server;
  }

  /** Where browsers find it: through the proxy. */
  get origin() {
    return this.proxy.origin;
  }

  /** The process, for who looks at it from outside. @returns {number} */
  get pid() {
    if (!this.#child?.pid) throw new Error('the server does not run');
    return this.#child.pid;
  }

  /** Starts the process, on the port that it had, and waits until it is ready. */
  async up() {
    const args = ['serve', '--database', this.address, '--data', this.data, '--site', this.site, '--listen', `127.0.0.1:${this.port}`, '--public-url', this.proxy.origin];
    const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.env } });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes) => {
        this.said.push(...String(bytes).split('\n').filter(Boolean));
        this.said = this.said.slice(-200);
      });
    }
    this.#child = child;
    await until('the server', async () => {
      if (child.exitCode !== null) throw new Error('it ended');
      return (await fetch(`http://127.0.0.1:${this.port}/readyz`)).ok;
    }, { patience: 30_000, explain: async () => this.said.join('\n') });
  }

  /** Kills it without warning, as a power cut does. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  /** Runs a command of the binary on this database. @param {...string} args */
  async command(...args) {
    return run(BINARY, [...args, '--database', this.address, '--data', this.data]);
  }

  async stop() {
    await this.kill();
    await this.proxy.cut();
    await this.cluster?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
