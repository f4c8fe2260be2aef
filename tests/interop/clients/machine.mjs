// The official TypeScript SDK as a machine that signs assertions (it uses jose):
//
//   node machine.mjs URL CLIENT_ID KEY_FILE ALGORITHM
//
// KEY_FILE is a PKCS#8 private key in PEM. One JSON line tells what came of it.
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';

const [url, clientId, keyFile, algorithm] = process.argv.slice(2);
const authProvider = new PrivateKeyJwtProvider({
  clientId,
  privateKey: readFileSync(keyFile, 'utf8'),
  algorithm,
  expectedIssuer: new URL(url).origin,
});
const sent = [];
/** fetch, remembering the token requests and what they got. */
async function watchedFetch(input, init) {
  const answer = await fetch(input, init);
  if (new URL(input).pathname === '/token') sent.push({ form: String(init.body), status: answer.status });
  return answer;
}

const client = new Client({ name: 'bailiwick-interop-machine', version: '1.0.0' });
let told;
try {
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: watchedFetch }));
  const result = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  told = { event: 'done', text: result.content.map((part) => part.text).join(), sent };
  await client.close();
} catch (reason) {
  told = { event: 'failed', reason: String(reason.message ?? reason), sent };
}
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit());
