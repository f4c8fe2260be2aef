// The official MCP conformance suite against Bailiwick, judged by gate.py:
// the authorization-server scenarios, and the server scenarios of 2025-11-25
// directly against the rmcp fixture and then through the gateway.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, close, story } from './stage/ledger.mjs';
import { INTEROP, NODE, PYTHON, ROOT, built, serve } from './stage/house.mjs';
import { Peer } from './stage/peer.mjs';
import { Child, freePort } from './stage/process.mjs';
import { followToCallback } from './stage/visitor.mjs';

const SUITE = join(INTEROP, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const RESULTS = join(ROOT, 'target/conformance');
const REVISION = '2025-11-25';
const PINS = join(INTEROP, `pins/server-${REVISION}.json`);

/** One run of the suite, to its end; its exit code is no verdict. */
function suite(words, { preload = [], env } = {}) {
  return new Child('conformance suite', [NODE, ...preload, SUITE, ...words], { cwd: INTEROP, env });
}

/** The verdict, as one check that shows what is red. */
async function judge(says, results, rules = []) {
  const gate = new Child('gate', [PYTHON, join(INTEROP, 'gate.py'), results, ...rules]);
  const verdict = await gate.line((line) => /^\d+ passed, \d+ failed$/.test(line) && line, { what: 'verdict' });
  check(`${says}: ${verdict}`, (await gate.ended()) === 0, `\n${gate.told()}`);
}

function fresh(name) {
  const results = join(RESULTS, name);
  rmSync(results, { recursive: true, force: true });
  return results;
}

/** The suite prints an authorization URL and waits for a browser: this is it. */
async function authorizationServer(name, house, extra) {
  const results = fresh(name);
  const port = await freePort();
  const words = ['--url', house.origin, '--client-id', 'conformance', '-p', String(port), '-o', results];
  const run = suite(['authorization', ...words, ...extra]);
  const url = await run.line((line) => /^http\S+\/authorize\?\S+$/.test(line) && line, { what: 'authorization URL' });
  const callback = await followToCallback(url, `http://127.0.0.1:${port}/callback`);
  await (await fetch(callback)).text();
  await run.ended();
  await judge(name, results, ['--allow', join(INTEROP, 'allow.txt')]);
}

async function server(name, url, options) {
  const results = fresh(name);
  await suite(['server', '--url', url, '--requirements', REVISION, '-o', results], options).ended();
  await judge(name, results, ['--pins', PINS]);
}

/** An access token for a resource, got by the official SDK. */
async function tokenFor(house) {
  const peer = new Peer('TypeScript', house.resource);
  await peer.event('ready');
  const { token } = await peer.ask({ do: 'token' });
  await peer.end();
  return token;
}

await story('Authorization server', async () => {
  const config = join(ROOT, 'target/conformance.toml');
  const client = ['[client.conformance]', 'redirect_uris = ["http://127.0.0.1:3000/callback"]'];
  writeFileSync(config, `${client.join('\n')}\n`);
  const house = await serve([], { options: ['--dev-approve', 'ada', '--config', config] });
  await authorizationServer('authorization-public', house, []);
  await authorizationServer('authorization-resource', house, ['--resource', house.resource]);
  await house.close();
});

await story(`Server suite of ${REVISION}`, async () => {
  const fixture = new Child('rmcp fixture', [built('rmcp_fixture')]);
  const upstream = await fixture.line((line) => line.startsWith('http') && line, { what: 'URL' });
  await server('server-direct', upstream);

  const house = await serve([upstream], { options: ['--dev-approve', 'ada'] });
  const env = { INJECT_ORIGIN: house.origin, INJECT_AUTH: `Bearer ${await tokenFor(house)}` };
  await server('server-gateway', house.resource, { preload: ['--import', join(INTEROP, 'inject.mjs')], env });
  await house.close();
  await fixture.stop();
});

close();
