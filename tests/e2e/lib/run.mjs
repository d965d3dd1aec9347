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

/** The processes of a name that this one has started, or those that it has started. @param {number} pid @param {string} name @returns {Promise<number[]>} */
export async function descendants(pid, name) {
  const all = (await run('ps', ['-eo', 'pid=,ppid=,comm='])).trim().split('\n').map((line) => line.trim().split(/\s+/));
  const below = (/** @type {number} */ parent) => all.filter((one) => Number(one[1]) === parent).flatMap((one) => [one, ...below(Number(one[0]))]);
  return below(pid).filter((one) => one[2] === name).map((one) => Number(one[0]));
}
