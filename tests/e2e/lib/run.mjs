// Running a program to its end.
import { execFile } from 'node:child_process';

/**
 * Runs it and gives what it wrote; fails with what it complained about.
 * @param {string} program @param {string[]} args @param {{ env?: Record<string, string>, input?: string, cwd?: string }} [how]
 * @returns {Promise<string>}
 */
export function run(program, args, { env = {}, input, cwd } = {}) {
  return new Promise((done, failed) => {
    const child = execFile(program, args, { env: { ...process.env, ...env }, cwd, maxBuffer: 64 << 20 }, (error, out, complaint) => {
      if (error) failed(new Error(`${program} ${args.join(' ')}: ${error.message}\n${complaint}`));
      else done(out);
    });
    if (input !== undefined) child.stdin?.end(input);
  });
}

/** Kills, without warning, every process whose command line names this. @param {string} name */
export async function killAll(name) {
  await run('pkill', ['-9', '-f', '--', name]).catch(() => {});
}
