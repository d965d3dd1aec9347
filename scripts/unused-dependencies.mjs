// Names a dependency that no source file of its crate mentions. Small on purpose: it needs no tool to be built first.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const crates = ['app', 'app/entry-field', 'app/entry-office', 'server', 'shared', 'tests'];
/** Needed for what they switch on in others, not for a name that is written down. */
const SILENT = new Set(['getrandom', 'uuid', 'proptest']);
/** Crates whose library has another name. */
const CALLED = new Map([['md-5', 'md5']]);

const files = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === 'node_modules' || name === 'target' || name.startsWith('entry-')) return [];
    if (statSync(path).isDirectory()) return files(path);
    return name.endsWith('.rs') ? [readFileSync(path, 'utf8')] : [];
  });

let unused = 0;
for (const crate of crates) {
  const source = files(crate).join('\n');
  const manifest = readFileSync(join(crate, 'Cargo.toml'), 'utf8');
  const tables = manifest.split(/^\[/m).filter((table) => /^(dev-|build-)?dependencies\]/.test(table));
  for (const line of tables.join('\n').split('\n')) {
    const name = /^([A-Za-z0-9_-]+)(\.workspace)?\s*=/.exec(line)?.[1];
    if (!name || SILENT.has(name)) continue;
    if (!new RegExp(`\\b${(CALLED.get(name) ?? name).replaceAll('-', '_')}\\b`).test(source)) {
      console.error(`${crate}/Cargo.toml: nothing uses ${name}`);
      unused += 1;
    }
  }
}
process.exit(unused ? 1 : 0);
