// Brings the peers, into a cache folder outside the project, and says what and why. Safe to run again.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../e2e/lib/run.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const CACHE = `${process.env.DORBANK_TOOLS ?? `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/dorbank`}/peers`;

/** Installs unless the list that was installed last is the same. @param {string} list @param {string} folder @param {string} words @param {() => Promise<unknown>} install */
async function once(list, folder, words, install) {
  const stamp = `${folder}/.dorbank-stamp`;
  if (existsSync(stamp) && readFileSync(stamp).equals(readFileSync(`${HERE}/${list}`))) return folder;
  console.log(`==> Installing ${words} into ${folder} (to measure beside it; no part of Dørbank)`);
  mkdirSync(folder, { recursive: true });
  await install();
  copyFileSync(`${HERE}/${list}`, stamp);
  return folder;
}

/** The folder with pouchdb-server in its node_modules. */
export function pouchdb() {
  const folder = `${CACHE}/pouchdb`;
  return once('package-lock.json', folder, 'pouchdb-server, from npm', async () => {
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(`${HERE}/${file}`, `${folder}/${file}`);
    // LevelDB comes built inside its package; no package needs to run anything.
    await run('npm', ['ci', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  });
}

/** The folder with Kinto's programs in its bin. */
export function kinto() {
  const folder = `${CACHE}/kinto`;
  return once('requirements.txt', folder, 'Kinto and gunicorn, from PyPI', async () => {
    await run('python3', ['-m', 'venv', folder]);
    await run(`${folder}/bin/pip`, ['install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '-r', `${HERE}/requirements.txt`]);
  });
}
