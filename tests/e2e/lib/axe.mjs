// axe on whatever is on the screen.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds, one line each. @param {import('./engines/chromium.mjs').ChromiumPage} page @returns {Promise<string[]>} */
export async function violations(page) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.page.evaluate(source);
  const found = await page.evaluate(async () => {
    const { violations: all } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return all.map(({ id, help, nodes }) => ({ id, help, where: nodes.slice(0, 3).map((node) => `${node.target.join(' ')} [${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ''}]`) }));
  });
  return found.map((one) => `${one.id}: ${one.help} (${one.where.join('; ')})`);
}
