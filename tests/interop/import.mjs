// A desktop client's file, imported: three servers of the MCP project, each with
// a secret in its environment, behind the gateway and in front of the official
// TypeScript SDK. Each child really gets its secret, and nobody else does, not
// even who asks the child for it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, close, story } from './stage/ledger.mjs';
import { built, serve } from './stage/house.mjs';
import { Peer } from './stage/peer.mjs';
import { freePort } from './stage/process.mjs';

const APPROVE = ['--dev-approve', 'ada'];
const secret = (name) => `${name}-${crypto.randomUUID()}`;

/** A home as a person has it: some files, and a client's file that starts servers. */
function home() {
  const place = mkdtempSync(join(tmpdir(), 'bailiwick-import-'));
  const files = join(place, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'hello.txt'), 'hello from a file');
  const secrets = { Everything: secret('every'), 'My files': secret('file'), memory: secret('memory') };
  const started = (name, ...args) => ({
    command: 'npx',
    args: ['-y', `@modelcontextprotocol/${name}`, ...args],
  });
  const servers = {
    Everything: started('server-everything'),
    'My files': started('server-filesystem', files),
    memory: started('server-memory'),
  };
  Object.entries(servers).forEach(([label, server]) => (server.env = { SERVICE_TOKEN: secrets[label] }));
  const desktop = join(place, 'claude_desktop_config.json');
  writeFileSync(desktop, JSON.stringify({ mcpServers: servers }));
  return { place, data: join(place, 'data'), files, desktop, config: join(place, 'bailiwick.toml'), secrets };
}

function bailiwick(...parameters) {
  return spawnSync(built('bailiwick'), parameters, { encoding: 'utf8' });
}

/** True when a process in whose environment `secret` stands runs as a program of that name. */
function runsWith(secret, program) {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).some((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      return environment.includes(`SERVICE_TOKEN=${secret}`) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(program);
    } catch {
      return false; // it ended, or is another user's
    }
  });
}

/** Files below `place` that hold one of the secrets, the client's own left out. */
function holders({ place, desktop, secrets }) {
  const files = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => path !== desktop);
  return paths.filter((path) => Object.values(secrets).some((value) => readFileSync(path).includes(value)));
}

/** Connects with the SDK, asks one tool, and hands back its answer. */
async function ask(url, tool, parameters) {
  const peer = new Peer('TypeScript', url);
  await peer.event('ready');
  const answer = await peer.ask({ do: 'call', tool, arguments: parameters });
  await peer.end();
  return answer;
}

async function everyServer(entry, { files, secrets }) {
  const url = (label) => entry.mcpServers[label].url;
  const environment = await ask(url('Everything'), 'get-env', {});
  const kept = environment.text?.includes('SERVICE_TOKEN') && environment.text.includes('[removed by bailiwick]');
  check('server-everything got its secret, and tells it to nobody', kept, environment);
  check('nor those of its neighbours', !Object.values(secrets).some((one) => environment.text?.includes(one)), environment);

  const file = await ask(url('My files'), 'read_text_file', { path: join(files, 'hello.txt') });
  check('server-filesystem reads a file', file.text?.includes('hello from a file'), file);
  check('and runs with its secret', runsWith(secrets['My files'], 'server-filesystem'));

  const graph = await ask(url('memory'), 'read_graph', {});
  check('server-memory answers', graph.event === 'call' && !graph.isError, graph);
  check('and runs with its secret', runsWith(secrets.memory, 'server-memory'));
}

/** Imports, starts what was imported, and uses it; `running`: while a process holds the database. */
async function importAndUse(running) {
  const house = home();
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const other = running && await serve([], { data: house.data });
  const parameters = [house.desktop, '--config', house.config, '--data', house.data, '--public-url', origin];
  const done = bailiwick('import', ...parameters);
  check('the import succeeds', done.status === 0, done.stderr);
  if (other) await other.close();

  const told = done.stdout + done.stderr;
  check('no secret is printed', Object.values(house.secrets).every((value) => !told.includes(value)), told);
  check('no secret is in the configuration or the database', holders(house).length === 0, holders(house));
  const entry = JSON.parse(done.stdout);
  const urls = Object.values(entry.mcpServers).map((server) => server.url.slice(origin.length));
  check('the entry names each server', urls.sort().join() === '/mcp/everything,/mcp/memory,/mcp/my-files', entry);

  const behind = await serve([], { data: house.data, port, options: [...APPROVE, '--config', house.config] });
  await everyServer(entry, house);
  check('the server ends cleanly', (await behind.close()) === 0, behind.child.told());
  check('still no secret is on the disk', holders(house).length === 0, holders(house));
  rmSync(house.place, { recursive: true, force: true });
}

await story('imported while nothing runs', () => importAndUse(false));
await story('imported into a running process', () => importAndUse(true));
close();
