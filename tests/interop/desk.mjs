// What stands behind one server with five tools: the npm package `oidc-provider`,
// at which people have accounts and which trades the gateway's tokens for its own
// (RFC 8693, as a grant registered with it), and an MCP server by the official
// TypeScript SDK, whose tools each take another credential, say whose it was, and
// tell it back.
//
//   desk.mjs PORT CALLBACK HOUSE ERP   prints `ready {"issuer":…,"mcp":…}`, then a line of JSON
//                                  for each call (`call`) and each answer with a token (`given`)
//   on stdin: `lie overgrant`      from now on tokens are for more than was asked for
//             `lie audience`       or are for somebody else, where they are exchanged
//             `lie nothing`        or for what was asked for
//
// ERP is a token endpoint elsewhere (`saml.py token`), which is asked whose a token of its is.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { SignJWT, createRemoteJWKSet, jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';

const [port, callback, house, erp] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const CRM = 'https://crm.example';
// People's own tokens are renewed all the time.
const SHORT = 4;
let lie = 'nothing';

const say = (event, facts) => console.log(JSON.stringify({ event, ...facts }));

// ---------------------------------------------------------- authorization server

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'bailiwick',
    client_secret: process.env.DESK_SECRET,
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token', EXCHANGE],
    response_types: ['code'],
  }],
  features: { revocation: { enabled: true }, resourceIndicators: { enabled: false } },
  scopes: ['openid', 'offline_access', 'repo', 'crm:use'],
  pkce: { required: () => true },
  rotateRefreshToken: () => true,
  ttl: { AccessToken: (_context, token) => (token.gty === EXCHANGE ? 300 : SHORT) },
  async findAccount(_context, id) {
    return { accountId: id, claims: () => ({ sub: id }) };
  },
});
provider.on('server_error', (_context, error) => console.error(error));

const keys = createRemoteJWKSet(new URL('/jwks.json', house));
async function exchange(context) {
  const { params, client } = context.oidc;
  const expected = { issuer: house, audience: `${issuer}/token`, typ: 'at+jwt' };
  const subject = await jwtVerify(params.subject_token ?? '', keys, expected).catch((reason) => {
    throw new errors.InvalidGrant(`the subject token: ${reason.message}`);
  });
  if (params.audience !== CRM || params.scope !== 'crm:use') throw new errors.InvalidScope('not offered');
  const { sub, act } = subject.payload;
  if (!act?.sub) throw new errors.InvalidGrant('the subject token: it does not say who acts');
  const token = new provider.AccessToken({ accountId: sub, client, scope: params.scope, gty: EXCHANGE });
  token.aud = CRM;
  context.body = {
    access_token: await token.save(),
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: token.expiration,
    scope: token.scope,
  };
  if (lie === 'audience') {
    const claims = new SignJWT({ aud: 'https://somebody-else.example', sub, scope: params.scope });
    context.body.access_token = await claims.setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5m').sign(Buffer.from(process.env.DESK_SECRET));
  }
}
provider.registerGrantType(EXCHANGE, exchange, ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope']);

provider.use(async (context, next) => {
  await next();
  if (context.path !== '/token' || !context.body?.access_token) return;
  if (lie === 'overgrant') context.body.scope = `${context.body.scope} all:admin`;
  const { grant_type: grant, subject_token: shown, refresh_token: renewed } = context.oidc.params;
  const { access_token: access, refresh_token: refresh, id_token: id } = context.body;
  say('given', { grant, secrets: [shown, renewed, access, refresh, id].filter(Boolean) });
});

// -------------------------------------------------------------------- MCP server

const bearer = ({ authorization }) => /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
const known = (list) => new Map(Object.entries(JSON.parse(list)));
const mails = known(process.env.DESK_MAIL_KEYS);

async function ofProvider(headers, grant) {
  const token = await provider.AccessToken.find(bearer(headers) ?? '');
  const fits = token && !token.isExpired && (token.gty === EXCHANGE) === (grant === EXCHANGE);
  return fits ? token : undefined;
}

/** What the other token endpoint says of a token of its own (RFC 7662). */
async function ofErp(headers) {
  const answer = await fetch(new URL('/introspect', erp), { method: 'POST', body: new URLSearchParams({ token: bearer(headers) ?? '' }) });
  return (await answer.json()).sub;
}

/** Whose credential that is, tool by tool; nobody's is undefined. */
const TOOLS = {
  repos: async (headers) => (await ofProvider(headers))?.accountId,
  weather: (headers) => (headers['x-weather-key'] === process.env.DESK_WEATHER_KEY ? 'everybody' : undefined),
  crm: async (headers) => {
    const token = await ofProvider(headers, EXCHANGE);
    return token?.aud === CRM ? token.accountId : undefined;
  },
  erp: ofErp,
  mail: (headers) => mails.get(headers['x-mail-key']),
};
const OURS = ['authorization', 'cookie', 'x-weather-key', 'x-mail-key'];

/** What it was shown, told back in every way. */
function echoes(shown) {
  const values = Object.values(shown);
  const base64 = values.map((value) => Buffer.from(value).toString('base64'));
  return [values, base64, values.map(encodeURIComponent), [JSON.stringify(shown)]].map((words) => words.join(' '));
}

function server() {
  const made = new McpServer({ name: 'desk', version: '1.0.0' });
  for (const [name, whose] of Object.entries(TOOLS)) {
    made.registerTool(name, { description: `Takes a credential of its own: ${name}`, annotations: { readOnlyHint: true } }, async (extra) => {
      const { headers } = extra.requestInfo;
      const shown = Object.fromEntries(OURS.filter((header) => headers[header]).map((header) => [header, headers[header]]));
      const who = await whose(headers);
      say('call', { tool: name, who, shown });
      const content = [who ? `${name} of ${who}` : 'nobody', ...echoes(shown)].map((text) => ({ type: 'text', text }));
      return { isError: !who, content };
    });
  }
  return made;
}

const web = createServer(async (request, response) => {
  if (request.method !== 'POST') return response.writeHead(405).end();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  const made = server();
  response.on('close', () => made.close());
  await made.connect(transport);
  return transport.handleRequest(request, response);
});
web.listen(0, '127.0.0.1');
await once(web, 'listening');
provider.listen(port, '127.0.0.1', () => {
  console.log(`ready ${JSON.stringify({ issuer, mcp: `http://127.0.0.1:${web.address().port}/mcp` })}`);
});
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...words] = line.split(' ');
  if (what === 'lie') [lie] = words;
  console.log(`done ${line}`);
}
