// The npm package `oidc-provider` as the authorization server of a code host:
// people sign in there and let Bailiwick act for them; access tokens are opaque,
// refresh tokens rotate, both can be revoked (RFC 7009). Beside it stand two MCP
// servers that want more than a token of the gateway's: one the access token of
// the person, one an API key of theirs. Each tells by whom it was called.
//
//   code_host.mjs PORT CALLBACK   prints `ready {"issuer":…,"code":…,"crm":…}`
//   a line `revoke` on stdin      ends everything that anybody was given there
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const [port, callback] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const KEYS = { 'adas-crm-key': 'ada', 'bobs-crm-key': 'bob' };

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'bailiwick',
    client_secret: 'what the code host knows us by',
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }],
  features: { revocation: { enabled: true }, resourceIndicators: { enabled: false } },
  scopes: ['openid', 'offline_access', 'repo'],
  pkce: { required: () => true },
  rotateRefreshToken: () => true,
  async findAccount(_context, id) {
    return { accountId: id, claims: () => ({ sub: id }) };
  },
});
const grants = new Set();
provider.on('grant.success', ({ oidc }) => grants.add(oidc.entities.Grant.jti));
provider.on('grant.revoked', (_context, grant) => console.log(`revoked ${grant}`));
provider.on('server_error', (_context, error) => console.error(error));

async function revokeAll() {
  for (const id of grants) {
    for (const model of [provider.AccessToken, provider.RefreshToken]) await model.revokeByGrantId(id);
    await (await provider.Grant.find(id))?.destroy();
  }
  grants.clear();
  console.log('ended');
}

/** An MCP server with one tool, `whoami`; `known` says who a request is of. */
async function mcp(known) {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { id, method } = request.method === 'POST' ? JSON.parse(body) : {};
    const reply = (result) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    };
    const serverInfo = { name: 'whoami', version: '1' };
    const tool = { name: 'whoami', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } };
    if (method === 'initialize') return reply({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo });
    if (method === 'tools/list') return reply({ tools: [tool] });
    if (method !== 'tools/call') return response.writeHead(202).end();
    const who = await known(request.headers);
    if (!who) return response.writeHead(401).end();
    return reply({ content: [{ type: 'text', text: who }] });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}/mcp`;
}

async function byToken({ authorization }) {
  const answer = await fetch(`${issuer}/me`, { headers: { authorization: authorization ?? '' } });
  return answer.ok ? `${(await answer.json()).sub} of the code host` : undefined;
}

provider.listen(port, '127.0.0.1', async () => {
  const code = await mcp(byToken);
  const crm = await mcp(async (headers) => KEYS[headers['x-api-key']]);
  console.log(`ready ${JSON.stringify({ issuer, code, crm })}`);
});
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'revoke') await revokeAll();
}
