// A chain of parties spelled out by hand: an app that a person approves in a
// browser, agents with shared secrets that exchange tokens (RFC 8693), and a
// call of a tool at the end.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

async function post(url, fields, headers = {}) {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), headers });
  return { status: answer.status, ...(await answer.json()) };
}

/** An app with a listener for the answer to its login. */
export class App {
  static async register(origin, resource, name) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const app = new App();
    Object.assign(app, { origin, resource, server, verifier: randomBytes(32).toString('base64url') });
    app.callback = `http://127.0.0.1:${server.address().port}/callback`;
    app.code = new Promise((resolve) => {
      server.on('request', (request, response) => {
        response.setHeader('content-type', 'text/html');
        response.end('<!doctype html><title>Done</title><h1>Done</h1>');
        const { searchParams } = new URL(request.url, app.callback);
        if (searchParams.has('code')) resolve(searchParams.get('code'));
      });
    });
    const metadata = { client_name: name, redirect_uris: [app.callback], token_endpoint_auth_method: 'none' };
    const headers = { 'content-type': 'application/json' };
    const made = await fetch(`${origin}/register`, { method: 'POST', headers, body: JSON.stringify(metadata) });
    app.id = (await made.json()).client_id;
    return app;
  }

  /** Where a person decides. */
  authorizeUrl(scope) {
    const challenge = createHash('sha256').update(this.verifier).digest('base64url');
    const url = new URL('/authorize', this.origin);
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.id,
      redirect_uri: this.callback,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 's',
      resource: this.resource,
      scope,
    });
    return url.href;
  }

  /** The access token, once the person has said yes. */
  async token() {
    const told = await post(`${this.origin}/token`, {
      grant_type: 'authorization_code',
      client_id: this.id,
      code: await this.code,
      code_verifier: this.verifier,
      redirect_uri: this.callback,
      resource: this.resource,
    });
    this.server.close();
    return told.access_token;
  }
}

/** Exchanges `token` at `origin` as the agent of that name and secret. */
export function exchange(origin, [name, secret], token, audience, more = {}) {
  const authorization = `Basic ${Buffer.from(`${name}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const fields = { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN, audience, ...more };
  return post(`${origin}/token`, fields, { authorization });
}

/** Calls a tool; answers with the status, and whether a result came. */
export async function call(resource, token, tool, parameters = {}) {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const say = (message, session) =>
    fetch(resource, {
      method: 'POST',
      headers: session ? { ...headers, 'mcp-session-id': session } : headers,
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  const clientInfo = { name: 'chain', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const begun = await say({ id: 1, method: 'initialize', params });
  await begun.text();
  if (begun.status !== 200) return { status: begun.status };
  const session = begun.headers.get('mcp-session-id');
  await (await say({ method: 'notifications/initialized' }, session)).text();
  const answer = await say({ id: 2, method: 'tools/call', params: { name: tool, arguments: parameters } }, session);
  const text = await answer.text();
  return { status: answer.status, done: text.includes('"result"') && !text.includes('"isError":true'), text };
}
