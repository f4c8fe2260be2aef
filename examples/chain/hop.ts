// What a party written in TypeScript does at its hop: verify the token it was handed, exchange it for the next one, tell.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRemoteJWKSet, importJWK, jwtVerify, type JWK, type JWTPayload } from 'jose';
import * as oauth from 'openid-client';

export const ISSUER = place('ISSUER');
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** One actor of a chain; whoever acted before it is inside (RFC 8693 §4.1). */
export type Actor = { iss: string; sub: string; act?: Actor };
/** What a party saw in the token it was handed. */
export type Hop = {
  at: string;
  sub: string;
  act?: Actor;
  aud: string;
  scope: string;
  exp: number;
  iat: number;
  jti: string;
  txn: string;
  grant: string;
};
/** One line of an answer that arrives bit by bit. */
export type Line = { who: string; says: string; hop?: Hop; refused?: number };

/** A party's address, as ./run chose it. */
export function place(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; start everything with ./run`);
  return value;
}

const keys = createRemoteJWKSet(new URL('/jwks.json', ISSUER));

/** The token of a request, if it is ours, for this audience, and not over. */
export async function verified(at: string, audience: string, request: IncomingMessage): Promise<[string, Hop]> {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (!token) throw new Refused(401, 'no token');
  const checks = { issuer: ISSUER, audience, typ: 'at+jwt', requiredClaims: ['exp', 'iat', 'sub', 'jti'] };
  const { payload } = await jwtVerify(token, keys, checks).catch((reason) => {
    throw new Refused(401, `not a token for ${at}: ${reason.message}`);
  });
  const hop = hopOf(at, payload);
  tell(hop);
  return [token, hop];
}

function hopOf(at: string, payload: JWTPayload): Hop {
  const { sub = '', act, scope, exp = 0, iat = 0, jti = '', txn, dlg } = payload as Record<string, any>;
  return { at, sub, act, aud: [payload.aud].flat().join(), scope, exp, iat, jti, txn, grant: dlg.gid };
}

/** Prints one line: where, who acts for whom, the audience, the scope, how long. */
export function tell({ at, sub, act, aud, scope, exp }: Hop): void {
  const actors: string[] = [];
  for (let actor = act; actor; actor = actor.act) actors.unshift(actor.sub.replace(/^agent:/, ''));
  const who = [short(sub), ...actors].join(' → ');
  const left = Math.round(exp - Date.now() / 1000);
  console.log(`  ${at.padEnd(12)} sees ${who.padEnd(55)} for ${aud.padEnd(25)} ${scope}, ${left} s`);
}

function short(sub: string): string {
  return sub.length > 12 ? `${sub.slice(0, 11)}…` : sub;
}

/** An agent that proves itself with its private key (RFC 7523). */
export async function agent(name: string, keyFile: string): Promise<oauth.Configuration> {
  const jwk = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK;
  const key = (await importJWK(jwk, 'ES256')) as CryptoKey;
  return client(name, oauth.PrivateKeyJwt({ key, kid: jwk.kid }));
}

/** A client of Bailiwick's. Plain HTTP is for this machine only. */
export async function client(name: string, proof: oauth.ClientAuth): Promise<oauth.Configuration> {
  const execute = [oauth.allowInsecureRequests];
  return oauth.discovery(new URL(ISSUER), name, undefined, proof, { execute, algorithm: 'oauth2' });
}

/** Exchanges a token that was handed over for one that is good at the next party only (RFC 8693). */
export async function exchange(
  config: oauth.Configuration,
  token: string,
  resource: string,
  more: Record<string, string> = {},
): Promise<string> {
  const subject = { subject_token: token, subject_token_type: ACCESS_TOKEN };
  const answer = await oauth.genericGrantRequest(config, EXCHANGE, { ...subject, resource, ...more });
  return answer.access_token;
}

/** A request that is refused, and how. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Serves on the port of `url`, on this machine only; what a handler throws becomes an answer. */
export function serve(url: string, handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>): void {
  const server = createServer((request, response) => {
    handle(request, response).catch((reason) => {
      const status = reason instanceof Refused ? reason.status : 502;
      if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: reason.error ?? reason.message }));
    });
  });
  server.listen(Number(new URL(url).port), '127.0.0.1');
}

/** A request's body. */
export async function body(request: IncomingMessage): Promise<any> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString() || '{}');
}

/** The lines of an answer, as they arrive. */
export async function* lines(answer: Response): AsyncGenerator<Line> {
  let rest = '';
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + part).split('\n');
    rest = whole.pop()!;
    for (const line of whole) yield JSON.parse(line);
  }
}

/** Answers a request line by line. */
export function speak(response: ServerResponse): (line: Line) => void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  return (line) => void response.write(`${JSON.stringify(line)}\n`);
}
