// Where things are. Each may be named in the environment.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}/target`;
/** The release binary. */
export const BINARY = process.env.DORBANK_BINARY ?? `${TARGET}/release/dorbank`;
/** The built static files. */
export const SITE = process.env.DORBANK_SITE ?? `${TARGET}/site`;
/** Where pictures of the screens go. */
export const SCREENSHOTS = `${TARGET}/screenshots`;
