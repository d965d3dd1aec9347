// The three engines by name, and which of them this run has.
import { ChromiumPage } from './chromium.mjs';
import { FirefoxPage } from './firefox.mjs';
import { WebKitPage } from './webkit.mjs';

/** @type {Record<string, { open: (options?: any) => Promise<any> }>} */
export const ENGINES = { chromium: ChromiumPage, firefox: FirefoxPage, webkit: WebKitPage };

/** The engines of this run: all, or those that DORBANK_ENGINES names. */
export const chosen = (process.env.DORBANK_ENGINES ?? Object.keys(ENGINES).join(',')).split(',');
