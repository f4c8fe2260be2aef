// Makes a key pair for each agent named: NAME.key for the agent alone, NAME.jwks for bailiwick.toml.
//   node keys.ts DIRECTORY NAME…
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

const [directory, ...names] = process.argv.slice(2);
for (const name of names) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const open = await exportJWK(publicKey);
  const about = { kid: await calculateJwkThumbprint(open), alg: 'ES256', use: 'sig' };
  const secret = { ...(await exportJWK(privateKey)), ...about };
  writeFileSync(join(directory, `${name}.key`), JSON.stringify(secret), { mode: 0o600 });
  writeFileSync(join(directory, `${name}.jwks`), JSON.stringify({ keys: [{ ...open, ...about }] }));
}
