// The app in the browser. It signs Alice in with code and PKCE, as a public client, and gets a token that is good for one
// place: the orchestrator. It never meets the agents and tools behind.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { None, authorizationCodeGrant, buildAuthorizationUrl } from 'openid-client';
import { calculatePKCECodeChallenge, randomPKCECodeVerifier, randomState } from 'openid-client';
import { Refused, body, client, place, serve, tell } from './hop.ts';

const HERE = place('WEB');
const ORCHESTRATOR = place('ORCHESTRATOR');
const SCOPE = 'notes:read ledger:read ledger:write';
const PAGE = readFileSync(new URL('page.html', import.meta.url));

type Visit = { state: string; verifier: string; token?: string };
const visits = new Map<string, Visit>();
const config = await client('web', None());

/** To Bailiwick, where Alice signs in and reads what the orchestrator would do in her name. */
async function login(response: ServerResponse): Promise<void> {
  const [id, visit] = [randomUUID(), { state: randomState(), verifier: randomPKCECodeVerifier() }];
  visits.set(id, visit);
  const url = buildAuthorizationUrl(config, {
    redirect_uri: `${HERE}/callback`,
    resource: ORCHESTRATOR,
    scope: SCOPE,
    state: visit.state,
    code_challenge: await calculatePKCECodeChallenge(visit.verifier),
    code_challenge_method: 'S256',
  });
  response.writeHead(302, { location: url.href, 'set-cookie': `visit=${id}; HttpOnly; SameSite=Lax; Path=/` }).end();
}

/** And back, with a code. */
async function callback(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const visit = visitOf(request);
  if (!visit) throw new Refused(400, 'this browser did not ask to sign in');
  const checks = { pkceCodeVerifier: visit.verifier, expectedState: visit.state };
  const answer = await authorizationCodeGrant(config, new URL(request.url!, HERE), checks, { resource: ORCHESTRATOR });
  visit.token = answer.access_token;
  const claims = JSON.parse(Buffer.from(answer.access_token.split('.')[1], 'base64url').toString());
  tell({ ...claims, at: 'web' });
  response.writeHead(302, { location: '/' }).end();
}

/** Hands the question, and with it the token, to the orchestrator. */
async function ask(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const token = visitOf(request)?.token;
  if (!token) throw new Refused(401, 'sign in first');
  const { topics } = await body(request);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(ORCHESTRATOR, { method: 'POST', headers, body: JSON.stringify({ topics }) });
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
  for await (const part of answer.body ?? []) response.write(part);
  response.end();
}

function visitOf(request: IncomingMessage): Visit | undefined {
  return visits.get(/(?:^|; )visit=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '');
}

serve(HERE, async (request, response) => {
  const what = `${request.method} ${new URL(request.url ?? '/', HERE).pathname}`;
  if (what === 'GET /login') return login(response);
  if (what === 'GET /callback') return callback(request, response);
  if (what === 'POST /ask') return ask(request, response);
  if (what === 'GET /me') return void response.end(JSON.stringify({ signedIn: Boolean(visitOf(request)?.token) }));
  if (what === 'GET /health') return void response.end();
  if (what !== 'GET /') throw new Refused(404, 'not here');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
});
