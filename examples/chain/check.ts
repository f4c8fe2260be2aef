// What must be so: each party saw the whole chain, the next token is never wider, longer or for anybody else, and
// whoever tries is refused. `./run --check` starts it.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { None, authorizationCodeGrant, buildAuthorizationUrl } from 'openid-client';
import { calculatePKCECodeChallenge, randomPKCECodeVerifier } from 'openid-client';
import { ISSUER, agent, client, exchange, place, type Actor, type Hop, type Line } from './hop.ts';
import { ask, signIn, visit } from './story.ts';

const TOPICS = ['garden', 'roof', 'party'];
const WRITE = { scope: 'ledger:write' };
const [WEB, ORCHESTRATOR, RESEARCHER] = [place('WEB'), place('ORCHESTRATOR'), place('RESEARCHER')];
const [NOTES, NOTES_UPSTREAM, LEDGER] = [place('NOTES'), place('NOTES_UPSTREAM'), place('LEDGER')];
let [passed, failed] = [0, 0];

function check(says: string, holds: boolean, detail?: unknown): void {
  holds ? (passed += 1) : (failed += 1);
  console.log(holds ? `  ok    ${says}` : `  FAIL  ${says}\n        ${JSON.stringify(detail)}`);
}

async function story(title: string, tell: () => Promise<void>): Promise<void> {
  console.log(`\n${title}`);
  await tell().catch((reason) => check('the story comes to its end', false, reason.stack));
}

/** A chain, current actor first. */
function acted(first: string, ...before: string[]): Actor {
  const me = { iss: ISSUER, sub: `agent:${first}`, sub_profile: 'ai_agent' };
  return before.length ? { ...me, act: acted(before[0], ...before.slice(1)) } : me;
}

/** The hops from the front door to the ledger, in order. */
function path(heard: Line[]): Hop[] {
  const hops = heard.flatMap(({ hop }) => hop ?? []);
  const find = (at: string, depth: number) => hops.find((hop) => hop.at === at && depthOf(hop.act) === depth);
  const found = [find('orchestrator', 0), find('researcher', 1), find('notes-mcp', 2), find('ledger', 3)];
  if (found.includes(undefined)) throw new Error(`a hop is missing: ${JSON.stringify(heard)}`);
  return found as Hop[];
}

function depthOf(act?: Actor): number {
  return act ? 1 + depthOf(act.act) : 0;
}

function scopes(hop: Hop): Set<string> {
  return new Set(hop.scope.split(' '));
}

/** Runs an operator's command. */
function operator(...words: string[]): string {
  return execFileSync(place('BAILIWICK'), words, { encoding: 'utf8' });
}

const jar = await signIn();

await story('The question is answered, and each party sees who is behind it', async () => {
  const heard = await ask(jar, TOPICS, () => undefined);
  check('nobody is refused', heard.every(({ refused }) => !refused), heard);
  const costs = TOPICS.map((topic) => heard.find(({ says }) => says.startsWith(`${topic} cost`))?.says);
  const books = ['garden cost 420', 'roof cost 1310', 'party cost 95'];
  check('the costs are those of the books', isDeepStrictEqual(costs, books), costs);

  const hops = path(heard);
  const chains = hops.map(({ act }) => act);
  check('the orchestrator meets Alice herself', chains[0] === undefined, chains[0]);
  check('the researcher sees the orchestrator', isDeepStrictEqual(chains[1], acted('orchestrator')), chains[1]);
  const two = acted('researcher', 'orchestrator');
  check('the notes server sees both', isDeepStrictEqual(chains[2], two), chains[2]);
  const three = acted('notes-mcp', 'researcher', 'orchestrator');
  check('the ledger sees all three, the first innermost', isDeepStrictEqual(chains[3], three), chains[3]);

  const audiences = hops.map(({ aud }) => aud);
  const expected = [ORCHESTRATOR, RESEARCHER, NOTES_UPSTREAM, LEDGER];
  check('each token is for its one party', isDeepStrictEqual(audiences, expected), audiences);
  const pairs = hops.slice(1).map((hop, index) => [hops[index], hop]);
  check('no token outlives the one before', pairs.every(([a, b]) => b.exp <= a.exp), hops);
  check('no token opens more than the one before', pairs.every(([a, b]) => scopes(b).isSubsetOf(scopes(a))), hops);
  const writes = hops.map((hop) => scopes(hop).has('ledger:write'));
  check('only the orchestrator may write', isDeepStrictEqual(writes, [true, false, false, false]), hops);
  check('the ledger gets no leave to read notes', hops[3].scope === 'ledger:read', hops[3]);
  check('user, transaction and grant stay', pairs.every(([a, b]) => same(a, b)), hops);
  check('no token comes twice', new Set(hops.map(({ jti }) => jti)).size === hops.length, hops);
  const own = heard.find(({ hop }) => hop?.at === 'ledger' && depthOf(hop.act) === 1)?.hop;
  check('on its own edge the orchestrator stands alone', isDeepStrictEqual(own?.act, acted('orchestrator')), own);
  const drawn = operator('grants', 'show', hops[0].grant);
  const titles = ['Orchestrator', 'Researcher', 'Notes', 'Ledger'];
  check('the tree names everybody', titles.every((title) => drawn.includes(`─ ${title}  `)), drawn);
});

function same(a: Hop, b: Hop): boolean {
  return a.sub === b.sub && a.txn === b.txn && a.grant === b.grant;
}

await story('What is forged, left out or spliced is refused', async () => {
  const token = await front();
  const orchestrator = await agent('orchestrator', place('ORCHESTRATOR_KEY'));
  const researcher = await agent('researcher', place('RESEARCHER_KEY'));
  const handed = await exchange(orchestrator, token, RESEARCHER);

  const refusals: [string, () => Promise<string>, string][] = [
    ['a token that was handed to somebody else', () => exchange(researcher, token, NOTES), 'invalid_grant'],
    ['the holder of a token in place of its recipient', () => exchange(orchestrator, handed, LEDGER), 'invalid_grant'],
    ["another's token as its own", () => exchange(orchestrator, token, RESEARCHER, borrowed(handed)), 'invalid_grant'],
    ['a step that no edge allows', () => exchange(orchestrator, token, NOTES), 'actor_unauthorized'],
    ['more than the edge lets pass', () => exchange(orchestrator, token, RESEARCHER, WRITE), 'invalid_scope'],
    ['two targets at once', () => exchange(orchestrator, token, RESEARCHER, { audience: LEDGER }), 'invalid_target'],
  ];
  for (const [says, answer, error] of refusals) {
    const got = await answer().then(() => 'a token', (reason) => reason.error ?? reason.message);
    check(`${says}: ${error}`, got === error, got);
  }
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', client_id: 'orchestrator' };
  const subject = { subject_token: token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
  const unproven = new URLSearchParams({ ...form, ...subject, resource: LEDGER });
  const nobody = await fetch(`${ISSUER}/token`, { method: 'POST', body: unproven });
  check('an actor that proves nothing: 401', nobody.status === 401, nobody.status);

  const forged = { act: JSON.stringify(acted('notes-mcp')), actor: 'notes-mcp', scope: 'ledger:read' };
  const kept = claims(await exchange(orchestrator, token, LEDGER, forged));
  check('an actor in the form counts for nothing', isDeepStrictEqual(kept.act, acted('orchestrator')), kept);

  const places: [string, string, string][] = [
    ['the token for the orchestrator at the researcher', `${RESEARCHER}/research`, token],
    ['the token for the researcher at the ledger', LEDGER, handed],
    ['the token for the orchestrator at the gateway', NOTES, token],
    ['a chain with an actor cut out at the ledger', LEDGER, shortened(await exchange(orchestrator, token, LEDGER))],
  ];
  for (const [says, url, shown] of places) {
    const method = url === LEDGER ? 'GET' : 'POST';
    const { status } = await fetch(url, { method, headers: { authorization: `Bearer ${shown}` } });
    check(`${says}: 401`, status === 401, status);
  }
});

/** A token of the app's own, straight from the front door. */
async function front(): Promise<string> {
  const config = await client('web', None());
  const verifier = randomPKCECodeVerifier();
  const request = {
    redirect_uri: `${WEB}/callback`,
    resource: ORCHESTRATOR,
    scope: 'notes:read ledger:read ledger:write',
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  const start = buildAuthorizationUrl(config, request).href;
  const back = await visit(start, new Map(), (url) => url.href.startsWith(request.redirect_uri));
  const checks = { pkceCodeVerifier: verifier };
  return (await authorizationCodeGrant(config, back, checks, { resource: ORCHESTRATOR })).access_token;
}

function borrowed(token: string): Record<string, string> {
  return { actor_token: token, actor_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
}

function claims(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}

/** The token as if nobody had acted, under the signature that it had. */
function shortened(token: string): string {
  const [header, , signature] = token.split('.');
  const { act: _, ...rest } = claims(token);
  return [header, Buffer.from(JSON.stringify(rest)).toString('base64url'), signature].join('.');
}

await story('The researcher is stopped in the middle of its work', async () => {
  let stopped = false;
  const heard = await ask(jar, TOPICS, ({ says }) => {
    if (stopped || !says.startsWith('garden cost')) return;
    operator('agents', 'stop', 'researcher');
    stopped = true;
  });
  const after = heard.slice(heard.findIndex(({ says }) => says.startsWith('garden cost')) + 1);
  const [refused, ...rest] = after.filter(({ who }) => who === 'researcher');
  check('its next call is a 401', refused?.refused === 401 && rest.length === 0, after);
  const last = heard.at(-1);
  const goesOn = last?.who === 'orchestrator' && !last.refused && last.hop?.at === 'ledger';
  check('the orchestrator goes on by itself', goesOn, last);
  const again = await ask(jar, TOPICS, () => undefined);
  const found = again.filter(({ who, says }) => who === 'researcher' && says.includes('cost'));
  check('a new question gets nothing from it', found.length === 0 && again.some(({ refused }) => refused), again);
  const answers = again.filter(({ who, hop }) => who === 'orchestrator' && hop?.at === 'ledger');
  check('and still an answer from the orchestrator', answers.length === 2, again);

  operator('agents', 'start', 'researcher');
  // Tokens count whole seconds, and one of the second in which it was started counts as issued before.
  await sleep(1000);
  const back = await ask(await signIn(), TOPICS, () => undefined);
  const refusals = back.filter(({ refused }) => refused);
  check('started again, it answers who signs in anew', refusals.length === 0, refusals);
});

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
