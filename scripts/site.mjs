// Lays out target/site: names by content hash, compressed copies, the shell and the service worker with their lists.
// Usage: node scripts/site.mjs ROOT STAGE SITE
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { minify } from 'terser';

const [root, stage, target] = process.argv.slice(2);
const site = `${target}.new`;
rmSync(site, { recursive: true, force: true });
mkdirSync(join(site, 'assets'), { recursive: true });
mkdirSync(join(site, 'field'), { recursive: true });

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const COMPRESSED = new Set(['.js', '.wasm', '.css', '.html', '.json', '.svg', '.webmanifest', '.txt']);

/**
 * Which way of packing is best differs from build to build by some hundred bytes; what a phone fetches is packed in all of
 * these, and the shortest is taken. Block sizes (0: brotli's own choice), and how many distances are short.
 */
const WAYS = [0, 16, 17].flatMap((block) => [0, 4, 12, 15].map((direct) => ({ [constants.BROTLI_PARAM_LGBLOCK]: block, [constants.BROTLI_PARAM_NDIRECT]: direct })));
const quick = process.env.DORBANK_PROFILE === 'dev';

/** Compressing is slow and the same bytes always give the same result, so results are kept by hash. */
const kept = join(stage, 'compressed');
mkdirSync(kept, { recursive: true });
function compress(bytes, hash, ways) {
  const brotli = join(kept, `${hash}.${ways.length}.br`);
  if (!existsSync(brotli)) {
    const pack = (way) => brotliCompressSync(bytes, { params: { ...way, [constants.BROTLI_PARAM_QUALITY]: quick ? 1 : 11, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
    writeFileSync(brotli, ways.map(pack).reduce((best, packed) => (packed.length < best.length ? packed : best)));
  }
  return [readFileSync(brotli), gzipSync(bytes, { level: quick ? 1 : 9 })];
}

/** Writes a file and, where that helps, its compressed copies. */
function write(path, bytes, ways = WAYS.slice(0, 1)) {
  const data = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
  const file = join(site, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, data);
  if (COMPRESSED.has(extname(path))) {
    const [br, gz] = compress(data, sha256(data), ways);
    writeFileSync(`${file}.br`, br);
    writeFileSync(`${file}.gz`, gz);
  }
}

const assets = {};
const precache = [];
function asset(name, bytes, { phone }) {
  const data = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
  const hash = sha256(data);
  const dot = name.lastIndexOf('.');
  assets[name] = `assets/${name.slice(0, dot)}.${hash.slice(0, 16)}${name.slice(dot)}`;
  write(assets[name], data, phone && !quick ? WAYS : undefined);
  if (phone) precache.push({ url: `/${assets[name]}`, sha256: hash });
}

const read = (path) => readFileSync(join(root, path));
const text = (path) => read(path).toString('utf8');
/** Comments and indentation do not travel. Strings with /* do not occur in our styles. */
const squeeze = (css) => css.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\s+/g, ' ').replace(/\s*([{};,])\s*/g, '$1');

/** A script without comments and long names. */
const small = async (script, module) => (await minify(script, { module, compress: { passes: 2 }, mangle: true })).code;

for (const bundle of ['field', 'office']) {
  const phone = bundle === 'field';
  asset(`${bundle}.wasm`, readFileSync(join(stage, `${bundle}.wasm`)), { phone });
  asset(`${bundle}.js`, await small(readFileSync(join(stage, `${bundle}.js`), 'utf8'), true), { phone });
  asset(`${bundle}.css`, squeeze(text('public/style/tokens.css') + text(`public/style/${bundle}.css`)), { phone });
}
asset('boot.js', await small(text('public/field/boot.js'), false), { phone: true });
const words = {};
for (const language of ['nb', 'nn', 'en']) {
  words[language] = Object.assign({}, ...['common', 'field'].map((file) => JSON.parse(text(`locales/${language}/${file}.json`))));
  // A list in the order of the keys: the phone's program knows each word by its place (shared/build.rs).
  const places = Object.keys(words.nb).sort();
  asset(`words-${language}.json`, JSON.stringify(places.map((key) => words[language][key])), { phone: true });
}

const build = sha256(JSON.stringify([assets, sha256(read('public/field/index.html')), sha256(read('public/field/sw.js'))])).slice(0, 12);
const fill = (template) =>
  template
    .replaceAll('{{build}}', build)
    .replace(/\{\{asset:([^}]+)\}\}/g, (_, name) => {
      if (!assets[name]) throw new Error(`a template names ${name}, which is no asset`);
      return `/${assets[name]}`;
    })
    .replace(/\{\{text:(nb|nn|en):([^}]+)\}\}/g, (_, language, key) => {
      const word = words[language][key];
      if (!word) throw new Error(`a template names the words ${key}, which ${language} lacks`);
      return word.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    });

const shell = fill(text('public/field/index.html'));
write('field/index.html', shell, WAYS);
precache.push({ url: '/field/', sha256: sha256(Buffer.from(shell)) });

// Icons and the manifest keep their names: the system that installs the app asks for them when it pleases.
const icons = join(root, 'public/icons');
if (existsSync(icons)) {
  cpSync(icons, join(site, 'icons'), { recursive: true });
}
const manifest = fill(text('public/field/manifest.webmanifest'));
write('field/manifest.webmanifest', manifest);
write('field/sw.js', await small(fill(text('public/field/sw.js')).replace('{{precache}}', JSON.stringify(precache)), false));
write('manifest.json', JSON.stringify({ build, assets }, null, 2));

rmSync(target, { recursive: true, force: true });
renameSync(site, target);
const bytes = precache.map(({ url }) => {
  const file = join(target, url === '/field/' ? 'field/index.html' : url);
  return statSync(existsSync(`${file}.br`) ? `${file}.br` : file).size;
});
const total = bytes.reduce((sum, size) => sum + size, 0);
console.log(`build ${build}: ${readdirSync(join(target, 'assets')).length} files; the phone fetches ${(total / 1024).toFixed(0)} KB (brotli), each language's words included`);
