// A server whose database can be set back: filled once, then every run begins from the same state.
import { closeSync, copyFileSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { Server } from '../../e2e/lib/server.mjs';
import { run } from '../../e2e/lib/run.mjs';
import { until } from '../../e2e/lib/wait.mjs';

export class Stage {
  #copies = 0;

  /**
   * @template T
   * @param {(server: Server) => Promise<T>} fill @param {Parameters<typeof Server.start>[0]} [options]
   * @returns {Promise<Stage & { filled: T }>}
   */
  static async set(fill, options) {
    const server = await Server.start(options);
    try {
      const stage = Object.assign(new Stage(), { server, filled: await fill(server) });
      await server.kill();
      stage.first = server.address;
      if (server.address.startsWith('sqlite:')) {
        stage.first = `${server.folder}/first.db`;
        // Writes one whole file, whatever still lies in the log beside the database.
        await run('sqlite3', [stage.path, `VACUUM INTO '${stage.first}'`]);
      }
      return stage;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The file, on SQLite. */
  get path() {
    return this.server.address.replace('sqlite:', '');
  }

  /** A copy of the filled database for others to write into, on SQLite. @param {string} name */
  copy(name) {
    const to = `${this.server.folder}/${name}.db`;
    for (const end of ['', '-wal', '-shm']) rmSync(to + end, { force: true });
    copyFileSync(this.first, to);
    // Else the first who waits for the disk waits for all of the copy.
    const file = openSync(to, 'r+');
    fsyncSync(file);
    closeSync(file);
    return to;
  }

  /** Starts the server on the filled database as it was. @returns {Promise<Server>} */
  async again() {
    const { server } = this;
    await server.kill();
    if (server.cluster) {
      this.#copies += 1;
      const { cluster } = server;
      // A database cannot be copied while somebody looks at it, and who was killed may still be on the way out.
      server.address = await until('a copy of the filled database', () => cluster.create(`run_${this.#copies}`, new URL(this.first).pathname.slice(1)));
    } else {
      this.copy('demo');
    }
    await server.up();
    return server;
  }

  async close() {
    await this.server.stop();
  }
}
