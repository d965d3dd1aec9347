// Requests over kept connections, by many clients of one process, and what a process takes of the machine.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { cpus } from 'node:os';

/**
 * Sends a body and reads the whole answer.
 * @param {number} port @param {http.Agent} agent @param {string} path
 * @param {{ method?: string, headers?: Record<string, string>, body?: Buffer, patience?: number }} [what] `patience` in milliseconds
 * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, body: Buffer }>}
 */
export function ask(port, agent, path, { method = 'POST', headers = {}, body, patience = 0 } = {}) {
  return new Promise((done, failed) => {
    const kind = body ? { 'content-type': 'application/json', 'content-length': String(body.length) } : {};
    const request = http.request({ port, host: '127.0.0.1', path, method, agent, headers: { ...kind, ...headers } }, (answer) => {
      const parts = /** @type {Buffer[]} */ ([]);
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => done({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }));
      answer.on('error', failed);
    });
    request.on('error', failed);
    if (patience) request.setTimeout(patience, () => request.destroy(new Error('no answer in time')));
    request.end(body);
  });
}

/** Sends every list of bodies in its order, all lists at once; gives the seconds and the answers. An answer that is not `expected` ends it.
 * @template T
 * @param {T[][]} lists @param {(item: T) => Promise<{ status: number, body: Buffer }>} send @param {number} expected */
export async function drain(lists, send, expected = 200) {
  const begun = performance.now();
  const answers = await Promise.all(lists.map(async (list) => {
    const said = /** @type {Buffer[]} */ ([]);
    for (const item of list) {
      const { status, body } = await send(item);
      if (status !== expected) throw new Error(`answered ${status}: ${body.subarray(0, 400)}`);
      said.push(body);
    }
    return said;
  }));
  return { seconds: (performance.now() - begun) / 1000, answers: answers.flat() };
}

/** An agent with a connection for each of many clients. */
export const connections = () => new http.Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: Infinity });

/** Seconds of processor that a process has taken. Linux counts them in hundredths. @param {number} pid */
export function processorOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The most memory that a process ever held, in MB. @param {number} pid */
export function peakMemoryOf(pid) {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** What part of the machine this process takes while `work` runs, from 0 to 1. @template T @param {() => Promise<T>} work @returns {Promise<{ result: T, share: number }>} */
export async function ownShare(work) {
  const before = process.cpuUsage();
  const begun = performance.now();
  const result = await work();
  const used = process.cpuUsage(before);
  return { result, share: (used.user + used.system) / 1000 / (performance.now() - begun) / cpus().length };
}
