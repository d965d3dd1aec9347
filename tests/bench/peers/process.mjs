// A peer's server as a child process: started, waited for, ended with all its children.
import { spawn } from 'node:child_process';
import { ask, connections } from '../lib/load.mjs';
import { until } from '../../e2e/lib/wait.mjs';

/**
 * @param {string} program @param {string[]} args @param {{ cwd: string, port: number, path: string }} where `path` answers 200 when it is ready
 * @returns {Promise<() => Promise<void>>} ends it
 */
export async function serve(program, args, { cwd, port, path }) {
  // A group of its own, so that its workers end with it.
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let said = '';
  child.stderr.on('data', (bytes) => { said = (said + bytes).slice(-4_000); });
  child.on('error', (error) => { said += error.message; });
  const kill = () => { try { process.kill(-(/** @type {number} */ (child.pid)), 'SIGKILL'); } catch { /* it has ended */ } };
  process.on('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    if (child.exitCode !== null || child.signalCode !== null || !child.pid) return;
    const gone = new Promise((done) => child.once('exit', done));
    kill();
    await gone;
  };
  const agent = connections();
  try {
    await until(program, async () => {
      if (child.exitCode !== null || !child.pid) throw new Error('it ended');
      return (await ask(port, agent, path, { method: 'GET' })).status === 200;
    }, { patience: 60_000, explain: async () => said });
  } catch (error) {
    await stop();
    throw error;
  } finally {
    agent.destroy();
  }
  return stop;
}
