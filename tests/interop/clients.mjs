// Foreign clients against foreign servers, with nobody at the browser:
// `bailiwick serve --dev-approve` in front of the MCP project's sample server,
// over stdio and over HTTP; then machines that nobody has to approve.
import { join } from 'node:path';
import { check, close, story } from './stage/ledger.mjs';
import { EVERYTHING, INTEROP, NODE, serve } from './stage/house.mjs';
import { machines } from './stage/machines.mjs';
import { CLIENTS, Peer } from './stage/peer.mjs';
import { Child, freePort } from './stage/process.mjs';

const APPROVE = ['--dev-approve', 'ada'];

/** The path from the first challenge to the first refusal after a revocation. */
async function walk(name, house) {
  const peer = new Peer(name, house.resource);
  const challenged = await peer.event('challenged');
  const challenge = challenged.trail.find((step) => step.status === 401)?.challenge ?? '';
  check('the first answer is a 401 that names the metadata', challenge.includes('resource_metadata='), challenge);
  const registered = challenged.trail.find((step) => step.path === '/register');
  check('the client registers itself', registered?.status === 201, challenged.trail);
  const callback = await peer.event('callback');
  check('the answer to the login names its issuer', callback.iss === house.origin, callback);

  const { claims, expires_in: life } = await peer.event('token');
  check('the token is for this resource alone', [claims.aud].flat().join() === house.resource, claims);
  check('the token lives five minutes at most', life > 0 && life <= 300, life);
  await peer.event('ready');

  const { names = [] } = await peer.ask({ do: 'tools' });
  check('the tools are listed', names.includes('echo') && names.includes('get-sum'), names);
  const echo = await peer.ask({ do: 'call', tool: 'echo', arguments: { message: 'hello' } });
  check('a tool answers', echo.event === 'call' && !echo.isError && echo.text.includes('hello'), echo);
  const sum = await peer.ask({ do: 'call', tool: 'get-sum', arguments: { a: 20, b: 22 } });
  check('another tool answers', sum.event === 'call' && sum.text?.includes('42'), sum);

  const revoked = await peer.ask({ do: 'revoke' });
  check('the client revokes its refresh token', revoked.status === 200, revoked);
  const refused = await peer.ask({ do: 'call', tool: 'echo', arguments: { message: 'still there?' } });
  check('the next call is a 401', refused.event === 'refused' && refused.status === 401, refused);
  const renewal = refused.trail?.find((step) => step.path === '/token');
  check('a renewal is refused with invalid_grant', !renewal || renewal.error === 'invalid_grant', renewal);
  await peer.end();
}

async function everythingOverHttp() {
  const port = await freePort();
  const main = join(INTEROP, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
  const server = new Child('server-everything', [NODE, main, 'streamableHttp'], { env: { PORT: String(port) } });
  const url = `http://127.0.0.1:${port}/mcp`;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answers = await fetch(url).then((answer) => answer.body?.cancel().then(() => true) ?? true, () => false);
    if (answers) return { server, url };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`server-everything does not listen\n${server.told()}`);
}

await story('server-everything over stdio', async () => {
  const house = await serve(['--', ...EVERYTHING], { options: APPROVE });
  for (const name of Object.keys(CLIENTS)) await story(`  ${name} SDK`, () => walk(name, house));
  check('the server ends cleanly', (await house.close()) === 0, house.child.told());
});

await story('server-everything over HTTP', async () => {
  const { server, url } = await everythingOverHttp();
  const house = await serve([url], { options: APPROVE });
  for (const name of Object.keys(CLIENTS)) await story(`  ${name} SDK`, () => walk(name, house));
  check('the server ends cleanly', (await house.close()) === 0, house.child.told());
  await server.stop();
});

await story('machines that sign with a key of their own', machines);

close();
