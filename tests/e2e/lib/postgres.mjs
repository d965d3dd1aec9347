// A throwaway PostgreSQL cluster: started on a free port, on its own folder, gone at the end.
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './net.mjs';
import { run } from './run.mjs';

/** The folder of initdb and pg_ctl; distributions keep them off the path. */
function programs() {
  const home = '/usr/lib/postgresql';
  const versions = existsSync(home) ? readdirSync(home).sort((a, b) => Number(b) - Number(a)) : [];
  for (const version of versions) if (existsSync(`${home}/${version}/bin/initdb`)) return `${home}/${version}/bin/`;
  return '';
}

export class Cluster {
  static async start() {
    const cluster = new Cluster();
    cluster.folder = mkdtempSync(join(tmpdir(), 'dorbank-postgres-'));
    cluster.port = await freePort();
    if (userInfo().uid === 0) {
      const id = Number((await run('id', ['-u', 'postgres'])).trim());
      chownSync(cluster.folder, id, id);
    }
    await cluster.#as('initdb', ['-D', `${cluster.folder}/data`, '-A', 'trust', '-U', 'dorbank', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']);
    await cluster.#as('pg_ctl', ['-D', `${cluster.folder}/data`, '-w', '-s', '-l', `${cluster.folder}/log`, '-o', `-p ${cluster.port} -k ${cluster.folder} -c listen_addresses=127.0.0.1`, 'start']);
    return cluster;
  }

  /** PostgreSQL refuses to run as root. @param {string} program @param {string[]} args */
  #as(program, args) {
    const path = programs() + program;
    return userInfo().uid === 0 ? run('runuser', ['-u', 'postgres', '--', path, ...args], { cwd: '/' }) : run(path, args);
  }

  /** Makes a database, as a copy of another if one is named, and gives its address. @param {string} name @param {string} [like] */
  async create(name, like = 'template0') {
    await run('psql', ['-q', '-X', this.address('postgres'), '-c', `CREATE DATABASE ${name} TEMPLATE ${like}`]);
    return this.address(name);
  }

  /** @param {string} name */
  address(name) {
    return `postgres://dorbank@127.0.0.1:${this.port}/${name}`;
  }

  async stop() {
    await this.#as('pg_ctl', ['-D', `${this.folder}/data`, '-m', 'immediate', '-s', '-w', 'stop']).catch(() => {});
    rmSync(this.folder, { recursive: true, force: true });
  }
}
