// The official SDKs as machines: each signs assertions (RFC 7523) with a key of
// its own, of which the house has the public half in a file.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EVERYTHING, INTEROP, NODE, PYTHON, serve } from './house.mjs';
import { check } from './ledger.mjs';
import { Child } from './process.mjs';

const MACHINES = {
  TypeScript: { program: [NODE, join(INTEROP, 'clients/machine.mjs')], algorithm: 'ES256' },
  Python: { program: [PYTHON, join(INTEROP, 'clients/machine.py')], algorithm: 'RS256' },
};

function newKey(algorithm) {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function writePrivate(file, { privateKey }) {
  writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
}

/** Makes a machine's key; its section of the configuration. */
function introduce(name, place) {
  const key = newKey(MACHINES[name].algorithm);
  const jwks = join(place, `${name}.jwks`);
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), use: 'sig' }] }));
  writePrivate(join(place, `${name}.pem`), key);
  const grants = 'grant_types = ["client_credentials"]\nscope = "mcp:read mcp:write"';
  return `[client.${name}]\njwks_file = "${jwks}"\n${grants}\n`;
}

/** What came of an SDK that knows this machine's name and that key. */
async function act(name, house, keyFile, algorithm) {
  const command = [...MACHINES[name].program, house.resource, name, keyFile, algorithm];
  const child = new Child(`${name} machine`, command, { cwd: INTEROP });
  const told = await child.line((line) => line.startsWith('{') && JSON.parse(line), { what: 'end' });
  await child.ended();
  return told;
}

async function walk(name, house, place) {
  const { algorithm } = MACHINES[name];
  const { text, sent, reason } = await act(name, house, join(place, `${name}.pem`), algorithm);
  check(`the ${name} SDK signs with ${algorithm}, gets a token and calls a tool`, text?.includes('hello'), reason ?? text);
  const form = new URLSearchParams(sent[0]?.form);
  check('it showed an assertion and nothing else', form.has('client_assertion') && !form.has('client_id'), sent);
  const again = await fetch(new URL('/token', house.origin), { method: 'POST', body: form });
  check('its assertion serves nobody again', again.status === 401, again.status);
  const stranger = await act(name, house, join(place, 'stranger.pem'), 'ES256');
  const refused = stranger.sent.length > 0 && stranger.sent.every(({ status }) => status === 401);
  check('a stranger with another key gets nothing', stranger.event === 'failed' && refused, stranger);
}

/** Both SDKs, one after the other. */
export async function machines() {
  const place = mkdtempSync(join(tmpdir(), 'bailiwick-machines-'));
  const config = join(place, 'bailiwick.toml');
  writeFileSync(config, Object.keys(MACHINES).map((name) => introduce(name, place)).join(''));
  writePrivate(join(place, 'stranger.pem'), newKey('ES256'));
  const house = await serve(['--', ...EVERYTHING], { options: ['--config', config] });
  for (const name of Object.keys(MACHINES)) await walk(name, house, place);
  check('the server ends cleanly', (await house.close()) === 0, house.child.told());
  rmSync(place, { recursive: true });
}
