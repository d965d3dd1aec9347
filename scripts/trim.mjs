// Takes out of a bundle what nobody calls: trim.mjs <folder> <name>
//
// wasm-bindgen gives every type that Rust exports a class in the glue, and each class keeps its functions in the program.
// What leptos exports to stream from server functions no bundle of ours calls: 1.7 KB less for a phone to fetch.
// Writes <name>.trimmed.js, and reached.json: what the glue still calls, for wasm-metadce.
import { readFileSync, writeFileSync } from 'node:fs';

const [folder, name] = process.argv.slice(2);
const UNUSED = /IntoUnderlying(?:ByteSource|Sink|Source)/;
const whole = readFileSync(`${folder}/${name}.js`, 'utf8');
const glue = whole
  .replace(new RegExp(`^export class ${UNUSED.source} {[\\s\\S]*?^}\\n(?:if \\(Symbol\\.dispose\\).*\\n)?`, 'gm'), '')
  .replace(new RegExp(`^const ${UNUSED.source}Finalization = [\\s\\S]*?;\\n`, 'gm'), '')
  .replace('export { initSync, __wbg_init as default };', 'export { __wbg_init as default };');
if (UNUSED.test(glue)) throw new Error(`${name}.js uses what was to be taken out of it: has wasm-bindgen changed its glue?`);

const exported = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(`${folder}/${name}_bg.wasm`))).map((one) => one.name);
const called = exported.filter((one) => glue.includes(`wasm.${one}`));
if (!called.includes('__wbindgen_start')) throw new Error(`${name}.js does not start its program as wasm.__wbindgen_start: has wasm-bindgen changed its glue?`);
writeFileSync(`${folder}/${name}.trimmed.js`, glue);
writeFileSync(`${folder}/reached.json`, JSON.stringify([{ name: 'glue', root: true, reaches: called }, ...called.map((one) => ({ name: one, export: one }))]));
