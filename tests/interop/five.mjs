// One server whose five tools each want another credential: an account of each
// person's at a provider, a key for all, an exchanged token, a SAML assertion,
// a key of each person's. One agent, a process of its own, calls all of them for
// two people. The tools and both token endpoints are foreign (`desk.mjs`,
// `saml.py token`) and can lie. Afterwards the agent's memory, its results, the
// gateway's log, record and files are searched for every credential.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from './stage/chain.mjs';
import { INTEROP, NODE, PYTHON, ROOT, built, serve } from './stage/house.mjs';
import { leaks, memory } from './stage/leaks.mjs';
import { check, close, story } from './stage/ledger.mjs';
import { makeAccount, openBrowser, signIn } from './stage/pages.mjs';
import { Child, freePort } from './stage/process.mjs';

const DESK = { viewport: { width: 1280, height: 900 } };
const ADA = { name: 'ada', password: 'correct horse battery staple' };
const BOB = { name: 'bob', password: 'another horse, another battery' };
const PEOPLE = [ADA, BOB];
const TOOLS = ['repos', 'weather', 'crm', 'erp', 'mail'];
const LINK = /https?:\/\/\S+\/connect\/bw_ct_[\w-]+/;
const SHORT = 4000;

// With characters that look different in base64 and in a URL.
const draw = (what) => `${what}/${randomBytes(12).toString('base64')}+?&`;
const SECRETS = new Map([
  ['client secret', draw('client')],
  ['shared key', draw('weather')],
  ["ada's key", draw('mail-a')],
  ["bob's key", draw('mail-b')],
]);
const keyOf = ({ name }) => SECRETS.get(`${name}'s key`);

function configuration(folder, { issuer, mcp, erp }) {
  return `
    [server.desk]
    title = "Desk"
    upstream = "${mcp}"
    credential = { kind = "none" }
    [server.desk.tool.repos.credential]
    kind = "user_oauth"
    connection = "code"
    issuer = "${issuer}"
    client_id = "bailiwick"
    client_secret = { env = "DESK_SECRET" }
    scopes = ["openid", "repo"]
    resource = ""
    [server.desk.tool.weather]
    credential = { kind = "api_key", header = "X-Weather-Key", secret = { env = "DESK_WEATHER_KEY" } }
    [server.desk.tool.crm.credential]
    kind = "exchange"
    token_url = "${issuer}/token"
    audience = "https://crm.example"
    client_id = "bailiwick"
    client_secret = { env = "DESK_SECRET" }
    scopes = ["crm:use"]
    [server.desk.tool.erp.credential]
    kind = "saml_bearer"
    token_url = "${erp}/token"
    audience = "erp"
    issuer = "https://us.example"
    key = { file = "${join(folder, 'us.key')}" }
    name_id = "name"
    scopes = ["erp:read"]
    [server.desk.tool.mail]
    credential = { kind = "api_key", header = "X-Mail-Key", per = "user", connection = "mail" }
    [agent.assistant]
    title = "Assistant"
    authenticate = { client_secret = { env = "AGENT_SECRET" } }
    may_call = ["desk"]
  `;
}

/** A token endpoint elsewhere that reads assertions: pysaml2. */
async function erpAt(folder) {
  const makeKey = 'import sys, pathlib, saml; saml.make_key(pathlib.Path(sys.argv[1]), "us")';
  execFileSync(PYTHON, ['-c', makeKey, folder], { cwd: INTEROP });
  const command = [PYTHON, join(INTEROP, 'saml.py'), 'token', `${await freePort()}`, join(folder, 'us.crt'), 'https://us.example', 'erp'];
  const child = new Child('pysaml2', command, { cwd: INTEROP });
  return { child, url: await child.line((line) => /^ready (\S+)/.exec(line)?.[1], { what: 'token endpoint' }) };
}

async function company() {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-five-'));
  const [port, own] = [await freePort(), await freePort()];
  const origin = `http://localhost:${own}`;
  Object.assign(process.env, {
    DESK_SECRET: SECRETS.get('client secret'),
    DESK_WEATHER_KEY: SECRETS.get('shared key'),
    DESK_MAIL_KEYS: JSON.stringify(Object.fromEntries(PEOPLE.map((person) => [keyOf(person), person.name]))),
    AGENT_SECRET: 'the assistant proves itself by this',
    BAILIWICK_LOG: 'debug',
  });
  const erp = await erpAt(folder);
  const desk = new Child('desk', [NODE, join(INTEROP, 'desk.mjs'), `${port}`, `${origin}/connect/callback/code`, origin, erp.url], { cwd: INTEROP });
  const { issuer, mcp } = JSON.parse(await desk.line((line) => /^ready (.*)/.exec(line)?.[1], { what: 'desk' }));
  const file = join(folder, 'bailiwick.toml');
  writeFileSync(file, configuration(folder, { issuer, mcp, erp: erp.url }));
  const house = await serve([], { options: ['--config', file], port: own });
  // The agent is given its own secret and none of the others.
  const env = { DESK_SECRET: '', DESK_WEATHER_KEY: '', DESK_MAIL_KEYS: '' };
  const agent = new Child('assistant', [NODE, join(INTEROP, 'clients/agent.mjs'), origin, 'assistant', 'desk'], { cwd: INTEROP, env });
  await agent.line((line) => line === 'ready', { what: 'agent' });
  return { house, desk, erp, agent, folder, key: readFileSync(join(folder, 'us.key'), 'utf8') };
}

let last = 0;
/** Gives the agent a command and waits for its answer. */
function ask({ agent }, command) {
  last += 1;
  const id = last;
  agent.tell(JSON.stringify({ id, ...command }));
  const answered = (line) => line.startsWith('{') && JSON.parse(line).id === id && JSON.parse(line);
  return agent.line(answered, { what: `answer to ${command.do} ${command.tool ?? ''}` });
}

const call = (scene, person, tool) => ask(scene, { do: 'call', person: person.name, tool });

/** What the desk or the ERP told, oldest first. */
function told(child, event) {
  const lines = child.everything().split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line)).filter((line) => !event || line.event === event);
}

async function lie({ desk, erp }, what) {
  const said = `done lie ${what} ${++last}`;
  desk.tell(said.slice('done '.length));
  await desk.line((line) => line === said, { what: 'a word' });
  await fetch(new URL('/lie', erp.url), { method: 'POST', body: new URLSearchParams({ lie: what }) });
}

/** A person lets an app hand them to the agent, in the browser; the agent begins. */
async function handOver(scene, person) {
  const { house } = scene;
  const { page } = person.window;
  const app = await App.register(house.origin, `${house.origin}/agent/assistant`, 'Front desk');
  await page.goto(app.authorizeUrl('desk:read'));
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  const token = await app.token();
  const begun = await ask(scene, { do: 'begin', person: person.name, token });
  if (!begun.claims) throw new Error(`the agent could not begin: ${JSON.stringify(begun)}`);
  person.sub = begun.claims.sub;
}

async function arrive(scene) {
  const { house, browser } = scene;
  for (const person of PEOPLE) {
    person.window = await browser.view(person.name, house.origin, DESK);
    // The provider's pages ask for a font elsewhere.
    await person.window.page.route((url) => !['localhost', '127.0.0.1'].includes(url.hostname), (route) => route.abort());
  }
  await makeAccount(ADA.window.page, house, ADA);
  execFileSync(built('bailiwick'), ['users', 'add', BOB.name, '--password-stdin', '--data', house.data], { input: BOB.password });
  await signIn(BOB.window.page, house, BOB);
  for (const person of PEOPLE) await handOver(scene, person);
  check('one agent acts for both', ADA.sub && BOB.sub && ADA.sub !== BOB.sub, [ADA.sub, BOB.sub]);
}

/** Each connects two accounts, by the links that the agent is answered with. */
async function connect(scene, person) {
  const { page } = person.window;
  for (const tool of ['repos', 'mail']) {
    const asked = await call(scene, person, tool);
    const link = LINK.exec(asked.text ?? '')?.[0];
    check(`${person.name} has not connected what ${tool} needs: a link`, asked.isError && link, asked);
    await page.goto(link);
    if (tool === 'mail') {
      await page.getByLabel('API key').fill(keyOf(person));
      await page.keyboard.press('Enter');
    } else {
      await page.getByRole('button', { name: /Continue to localhost/ }).click();
      await page.locator('input[name=login]').fill(person.name);
      await page.locator('input[name=password]').fill('anything');
      await page.locator('button[type=submit]').click();
      await page.getByText('Continue', { exact: true }).click();
    }
    await page.getByRole('heading', { name: /is connected/ }).waitFor();
  }
  check('nothing was sent on before', told(scene.desk, 'call').every(({ who }) => who), told(scene.desk, 'call'));
}

/** What each tool says of whom it was called by, and what it was shown. */
async function fiveTools(scene, person) {
  const names = { repos: person.name, weather: 'everybody', crm: person.sub, erp: person.name, mail: person.name };
  const headers = { repos: 'authorization', weather: 'x-weather-key', crm: 'authorization', erp: 'authorization', mail: 'x-mail-key' };
  for (const tool of TOOLS) {
    const answer = await call(scene, person, tool);
    check(`${tool} for ${person.name}: whose it is, says who gave it`, answer.text === `${tool} of ${names[tool]}`, answer);
    const [, ...echoes] = answer.result?.content ?? [];
    const removed = echoes.filter(({ text }) => text.includes('[removed by bailiwick]'));
    check(`${tool} for ${person.name}: what it tells back is taken out`, echoes.length === 4 && removed.length === 4, echoes);
    const seen = told(scene.desk, 'call').at(-1);
    check(`${tool} for ${person.name}: shown that and nothing else`, seen.tool === tool && Object.keys(seen.shown).join() === headers[tool], seen);
  }
}

/** Five different credentials for each, and only one of them the same. */
function apart({ desk }) {
  const calls = told(desk, 'call').slice(-2 * TOOLS.length);
  const shown = new Set(calls.map((seen) => JSON.stringify(seen.shown)));
  check('ten calls were shown nine credentials', calls.length === 10 && shown.size === 9, calls);
}

/** 502, and nothing at the tool. */
async function refuses(scene, person, tool, what) {
  const before = told(scene.desk, 'call').length;
  const answer = await call(scene, person, tool);
  const sent = told(scene.desk, 'call').length - before;
  check(`${tool}, ${what}: 502 and nothing forwarded`, answer.status === 502 && sent === 0, { answer, sent });
}

/** Each of the token endpoints grants more than was asked for, or for somebody else. */
async function lies(scene) {
  const page = BOB.window.page;
  await handOver(scene, ADA);
  await page.waitForTimeout(SHORT);
  await lie(scene, 'overgrant');
  for (const tool of ['repos', 'crm', 'erp']) await refuses(scene, ADA, tool, 'granted more');
  await lie(scene, 'audience');
  await refuses(scene, ADA, 'crm', 'granted for somebody else');
  await lie(scene, 'nothing');
  await page.waitForTimeout(SHORT);
  await fiveTools(scene, ADA);
  const refused = record(scene.house).split('\n').filter((line) => /"credential_refused".*"credential:overgrant"/.test(line));
  check('the refusals are on record', refused.length === 4, refused);
}

/** The record as it is exported, as lines or as OpenTelemetry. */
function record({ data }, format = 'jsonl') {
  const words = ['audit', 'export', '--format', format, '--data', data];
  return execFileSync(built('bailiwick'), words, { encoding: 'utf8', maxBuffer: 1 << 28 });
}

/** Every credential that there was. */
function everySecret({ desk, erp, key }) {
  const secrets = new Map(SECRETS);
  told(desk, 'given').forEach(({ grant, secrets: some }, nth) => some.forEach((secret, at) => secrets.set(`${grant} ${nth}.${at}`, secret)));
  told(erp.child).filter(({ token }) => token).forEach(({ assertion, token }, nth) => {
    secrets.set(`assertion ${nth}`, assertion);
    secrets.set(`token for assertion ${nth}`, token);
  });
  secrets.set('SAML key', key.split('\n')[5]);
  return secrets;
}

/** A search that finds nothing proves something only if it can find. */
function finds(secrets) {
  const [[name, secret]] = secrets;
  const hidden = [`Basic ${btoa(`u:${secret}`)}`, `?key=${encodeURIComponent(secret)}`, Buffer.from(`..${secret}`).toString('base64url')];
  check('the search sees through encodings', hidden.every((text) => leaks(secrets, Buffer.from(text)).has(name)), hidden);
}

function agentHolds(scene, secrets) {
  const { agent } = scene;
  const own = new Map([['own secret', process.env.AGENT_SECRET]]);
  let [held, found, bytes] = [new Set(), new Set(), 0];
  for (const piece of memory(agent.process.pid)) {
    bytes += piece.length;
    held = held.union(leaks(own, piece));
    found = found.union(leaks(secrets, piece));
  }
  check('the agent\'s own secret is found in its memory', held.size === 1, `${bytes} bytes read`);
  check(`none of ${secrets.size} credentials is, in ${Math.round(bytes / 1e6)} MB`, found.size === 0, [...found]);
  const results = leaks(secrets, Buffer.from(agent.everything()));
  check('nor in what it was answered', results.size === 0, [...results]);
}

function houseTells({ house }, secrets) {
  const log = house.child.everything();
  const told = { log, record: record(house), 'OpenTelemetry export': record(house, 'otel') };
  check('the log says what happened, in detail', /DEBUG/.test(log) && log.split('\n').length > 100, log.slice(0, 500));
  for (const [where, text] of Object.entries(told)) {
    const found = leaks(secrets, Buffer.from(text));
    check(`nothing of it is in the ${where} (${text.length} characters)`, text.length > 0 && found.size === 0, [...found]);
  }
  const files = readdirSync(house.data).filter((name) => name.startsWith('bailiwick.db'));
  const found = files.flatMap((name) => [...leaks(secrets, readFileSync(join(house.data, name)))]);
  check('nor in its database', files.length > 0 && found.length === 0, found);
}

mkdirSync(join(ROOT, 'target/screenshots'), { recursive: true });
const scene = await company();
scene.browser = await openBrowser(join(ROOT, 'target/screenshots'));

await story('Two people, one agent', () => arrive(scene));
for (const person of PEOPLE) await story(`What ${person.name} connects`, () => connect(scene, person));
for (const person of PEOPLE) await story(`Five tools for ${person.name}`, () => fiveTools(scene, person));
await story('Side by side', () => apart(scene));
await story('Token endpoints that lie', () => lies(scene));
await story('What is left of it', () => {
  const secrets = everySecret(scene);
  check('every kind of credential was there', secrets.size > 20, [...secrets.keys()]);
  finds(secrets);
  agentHolds(scene, secrets);
  houseTells(scene, secrets);
});
await scene.browser.close();
await Promise.all([scene.agent.stop(), scene.desk.stop(), scene.erp.child.stop()]);
await scene.house.close();
rmSync(scene.folder, { recursive: true });
close();
