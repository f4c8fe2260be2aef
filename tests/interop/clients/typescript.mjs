// The official TypeScript SDK as an MCP client that stands on its own: it
// discovers, registers, logs in with PKCE and calls tools, all by the SDK.
//
//   node typescript.mjs URL [--browser] [--urls]
//
// Events leave as JSON lines on stdout (see ../README.md); after `ready` each
// line on stdin is one command. With --browser the authorization URL is left to
// a person; without it, redirects are followed here, as --dev-approve allows.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { followToCallback } from '../stage/visitor.mjs';

const [url, ...modes] = process.argv.slice(2);
const browser = modes.includes('--browser');
// With --urls the client says that it leads its user to URLs (URL-mode elicitation).
const capabilities = modes.includes('--urls') ? { elicitation: { url: {} } } : {};
let trail = [];

function say(event, facts = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
}

/** fetch, leaving behind what was asked and answered. */
async function watchedFetch(input, init) {
  const answer = await fetch(input, init);
  const step = { method: init?.method ?? 'GET', path: new URL(input).pathname, status: answer.status };
  const challenge = answer.headers.get('www-authenticate');
  if (challenge) step.challenge = challenge;
  if (answer.status === 400 && step.path === '/token') {
    step.error = (await answer.clone().json()).error;
  }
  trail.push(step);
  return answer;
}

/** Where the answer to a login arrives: a loopback listener of one request. */
async function listenForCallback() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUrl = `http://127.0.0.1:${server.address().port}/callback`;
  const arrived = new Promise((resolve) => {
    server.on('request', (request, response) => {
      const callback = new URL(request.url, redirectUrl);
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>Done</title><h1>Done</h1><p>Go back to your client.');
      if (callback.pathname === '/callback') resolve(callback.searchParams);
    });
  });
  return { redirectUrl, arrived, close: () => server.close() };
}

/** What the SDK asks its host application to keep and to do. */
class Keeper {
  #kept = {};
  loggedIn = false;

  constructor(redirectUrl) {
    this.redirectUrl = redirectUrl;
  }

  get clientMetadata() {
    return {
      client_name: 'Bailiwick interop (TypeScript)',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    };
  }

  state() {
    this.#kept.state ??= crypto.randomUUID();
    return this.#kept.state;
  }

  clientInformation() {
    return this.#kept.client;
  }

  saveClientInformation(client) {
    this.#kept.client = client;
  }

  tokens() {
    return this.#kept.tokens;
  }

  saveTokens(tokens) {
    this.#kept.tokens = tokens;
    say('token', { scope: tokens.scope, expires_in: tokens.expires_in, claims: claimsOf(tokens.access_token) });
  }

  saveCodeVerifier(verifier) {
    this.#kept.verifier = verifier;
  }

  codeVerifier() {
    return this.#kept.verifier;
  }

  invalidateCredentials(scope) {
    if (scope === 'all' || scope === 'tokens') delete this.#kept.tokens;
    if (scope === 'all' || scope === 'client') delete this.#kept.client;
  }

  redirectToAuthorization(authorizationUrl) {
    // A second login is the test's business, not the client's.
    if (!this.loggedIn) this.authorizationUrl = authorizationUrl;
  }
}

/** A token's payload, for the test to look at; null for an opaque one. */
function claimsOf(token) {
  const payload = token.split('.')[1];
  return payload ? JSON.parse(Buffer.from(payload, 'base64url')) : null;
}

function open(keeper) {
  const client = new Client({ name: 'bailiwick-interop-typescript', version: '1.0.0' }, { capabilities });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: keeper, fetch: watchedFetch });
  return { client, transport };
}

/** Logs in: the first connection fails with a login to do, the second works. */
async function connect(keeper, callback) {
  const first = open(keeper);
  try {
    await first.client.connect(first.transport);
    throw new Error('the server let a client in without a token');
  } catch (reason) {
    if (!(reason instanceof UnauthorizedError)) throw reason;
  }
  say('challenged', { trail: taken() });
  say('authorize', { url: keeper.authorizationUrl.href });
  const answer = browser
    ? await callback.arrived
    : (await followToCallback(keeper.authorizationUrl, callback.redirectUrl)).searchParams;
  if (answer.get('state') !== keeper.state()) throw new Error('a state that is not ours');
  say('callback', { iss: answer.get('iss'), error: answer.get('error') });
  if (answer.has('error')) throw new Error(`login refused: ${answer.get('error')}`);
  await first.transport.finishAuth(answer.get('code'));
  keeper.loggedIn = true;

  const second = open(keeper);
  await second.client.connect(second.transport);
  const server = second.client.getServerVersion();
  say('connected', { server: server?.name, session: Boolean(second.transport.sessionId), trail: taken() });
  return second;
}

function taken() {
  const steps = trail;
  trail = [];
  return steps;
}

const commands = {
  async tools({ client }) {
    const names = [];
    let cursor;
    do {
      const page = await client.listTools({ cursor });
      names.push(...page.tools.map((tool) => tool.name));
      cursor = page.nextCursor;
    } while (cursor);
    return { names };
  },
  /** Every tool as it is listed. */
  async describe({ client }) {
    const tools = [];
    let cursor;
    do {
      const page = await client.listTools({ cursor });
      tools.push(...page.tools);
      cursor = page.nextCursor;
    } while (cursor);
    return { tools };
  },
  async call({ client }, { tool, arguments: values }) {
    const result = await client.callTool({ name: tool, arguments: values ?? {} });
    const text = result.content.filter((part) => part.type === 'text').map((part) => part.text);
    return { tool, isError: result.isError ?? false, text: text.join('\n'), structured: result.structuredContent, meta: result._meta };
  },
  token(_session, _command, keeper) {
    return { token: keeper.tokens().access_token };
  },
  async revoke(_session, _command, keeper) {
    const issuer = new URL(keeper.tokens().issuer ?? claimsOf(keeper.tokens().access_token).iss);
    const metadata = await (await fetch(new URL('/.well-known/oauth-authorization-server', issuer))).json();
    const form = { token: keeper.tokens().refresh_token, client_id: keeper.clientInformation().client_id };
    const answer = await fetch(metadata.revocation_endpoint, { method: 'POST', body: new URLSearchParams(form) });
    return { status: answer.status };
  },
};

async function obey(session, line, keeper) {
  const command = JSON.parse(line);
  try {
    const facts = await commands[command.do](session, command, keeper);
    say(command.do, { id: command.id, ...facts, trail: taken() });
  } catch (reason) {
    const steps = taken();
    // The status the server gave to the call itself; what follows is the SDK's own way out.
    const asked = (step) => step.method === 'POST' && step.path === new URL(url).pathname;
    const status = steps.find(asked)?.status;
    const told = { status, reason: String(reason.message ?? reason), elicitations: reason.elicitations };
    say('refused', { id: command.id, do: command.do, ...told, trail: steps });
  }
}

const callback = await listenForCallback();
try {
  const keeper = new Keeper(callback.redirectUrl);
  const session = await connect(keeper, callback);
  callback.close();
  say('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    await obey(session, line, keeper);
  }
  await session.client.close();
  say('end');
} catch (reason) {
  say('failed', { reason: String(reason.stack ?? reason), trail: taken() });
  process.exitCode = 1;
} finally {
  callback.close();
}
process.exit();
