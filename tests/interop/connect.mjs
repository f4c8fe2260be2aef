// Accounts of their own that people connect, in real Chromium: a tool answers
// with a link, the link leads to a sign-in at a foreign provider or to a form for
// a key, and then the same call goes through. Somebody else who follows the link
// connects nothing, a link serves once, what the provider ended is connected
// again, and what is disconnected is revoked there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INTEROP, NODE, ROOT, built, serve } from './stage/house.mjs';
import { check, close, story } from './stage/ledger.mjs';
import { makeAccount, openBrowser, signIn } from './stage/pages.mjs';
import { Peer } from './stage/peer.mjs';
import { Child, freePort } from './stage/process.mjs';

const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' };
const ADA = { name: 'ada', password: 'correct horse battery staple' };
const BOB = { name: 'bob', password: 'another horse, another battery' };
const KEY = 'adas-crm-key';
const LINK = /https?:\/\/\S+\/connect\/bw_ct_[\w-]+/;

/** A house in front of a code host and a CRM. */
async function company() {
  const [port, own] = [await freePort(), await freePort()];
  const command = [NODE, join(INTEROP, 'code_host.mjs'), `${port}`, `http://localhost:${own}/connect/callback/code`];
  const host = new Child('code host', command, { cwd: INTEROP });
  const ready = await host.line((line) => /^ready (.*)/.exec(line)?.[1], { what: 'code host' });
  const { issuer, code, crm } = JSON.parse(ready);
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-connect-'));
  const file = join(folder, 'bailiwick.toml');
  writeFileSync(file, `
    [server.code]
    title = "Code Host"
    upstream = "${code}"
    [server.code.credential]
    kind = "user_oauth"
    issuer = "${issuer}"
    client_id = "bailiwick"
    client_secret = { env = "CODE_HOST_SECRET" }
    scopes = ["openid", "repo"]
    resource = ""
    [server.crm]
    title = "Team CRM"
    upstream = "${crm}"
    credential = { kind = "api_key", header = "X-Api-Key", per = "user" }
  `);
  process.env.CODE_HOST_SECRET = 'what the code host knows us by';
  const house = await serve([], { options: ['--config', file], port: own });
  rmSync(folder, { recursive: true });
  return { house, host };
}

function addBob(house) {
  const words = ['users', 'add', BOB.name, '--password-stdin', '--data', house.data];
  execFileSync(built('bailiwick'), words, { input: BOB.password });
}

/** A window that reaches this machine only: the provider's pages ask for a font elsewhere. */
async function view(browser, house, name, options) {
  const made = await browser.view(name, house.origin, options);
  const elsewhere = (url) => !['localhost', '127.0.0.1'].includes(url.hostname);
  await made.page.route(elsewhere, (route) => route.abort());
  return made;
}

/** The official SDK, which the person of that window lets act at a server. */
async function client({ page }, house, server, options = {}) {
  const peer = new Peer('TypeScript', `${house.origin}/mcp/${server}`, { browser: true, ...options });
  const { url } = await peer.event('authorize');
  await page.goto(url);
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await peer.event('ready');
  return peer;
}

const whoami = (peer) => peer.ask({ do: 'call', tool: 'whoami' });

function linkIn(answer) {
  const link = LINK.exec(answer.text ?? '')?.[0];
  if (!link) throw new Error(`no link in ${JSON.stringify(answer)}`);
  return link;
}

/** Signs in on the provider's own pages and says yes. */
async function throughProvider(page, person) {
  await page.locator('input[name=login]').fill(person);
  await page.locator('input[name=password]').fill('anything');
  await page.locator('button[type=submit]').click();
  await page.getByText('Continue', { exact: true }).click();
}

/** A key: asked for by a call, left on the page, never seen again. */
async function aKey(scene) {
  const { desk, phone, house } = scene;
  await makeAccount(desk.page, house, ADA);
  const peer = await client(desk, house, 'crm');
  const tools = await peer.ask({ do: 'tools' });
  check('the tool is listed before anybody is connected', tools.names?.join() === 'whoami', tools);
  const asked = await whoami(peer);
  check('a call is answered with a link', asked.isError && LINK.test(asked.text), asked);
  check('and by which rule', asked.meta?.['bailiwick/rule'] === 'connect:crm', asked.meta);
  const again = await whoami(peer);
  const link = linkIn(asked);
  check('asking again gives the same link', linkIn(again) === link, [link, linkIn(again)]);

  await phone.page.goto(link);
  check('who is not signed in signs in first', phone.page.url().includes('/login'), phone.page.url());
  await phone.look('connect-login');
  await phone.page.getByLabel('User name').fill(ADA.name);
  await phone.page.getByLabel('Password', { exact: true }).fill(ADA.password);
  await phone.page.getByRole('button', { name: 'Sign in' }).click();
  await phone.page.getByRole('heading', { name: 'Connect your Team CRM account' }).waitFor();
  await phone.look('connect-key');

  const { page } = desk;
  await page.goto(link);
  await desk.look('connect-key');
  const told = await page.getByRole('main').innerText();
  check('the page names the client, the tool and the account', ['Bailiwick interop', 'whoami', 'ada'].every((word) => told.includes(word)), told);
  const box = page.getByLabel('API key');
  check('the key is typed unseen', (await box.getAttribute('type')) === 'password');
  await box.fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Team CRM is connected' }).waitFor();
  await desk.look('connect-done');
  const answer = await whoami(peer);
  check('the same call goes through, as the person', answer.text === 'ada', answer);

  for (const window of [desk, phone]) {
    const used = await window.page.goto(link);
    check(`the link again, on the ${window.name}: used up`, used.status() === 410, used.status());
  }
  await desk.look('connect-used');
  await peer.end();
}

/** A sign-in at the provider, by a client that leads its person to URLs itself. */
async function aSignIn(scene) {
  const { desk, phone, house } = scene;
  const peer = await client(desk, house, 'code', { urls: true });
  scene.peer = peer;
  const asked = await whoami(peer);
  const [elicitation] = asked.elicitations ?? [];
  check('a client that opens URLs is given one to open', elicitation?.mode === 'url' && LINK.test(elicitation.url), asked);
  const { page } = desk;
  await phone.page.goto(elicitation.url);
  await phone.look('connect-oauth');
  await page.goto(elicitation.url);
  await desk.look('connect-oauth');
  await page.getByRole('button', { name: /Continue to localhost/ }).click();
  await throughProvider(page, 'ada');
  await page.getByRole('heading', { name: 'Code Host is connected' }).waitFor();
  const answer = await whoami(peer);
  check('the tool is shown what the person was given there', answer.text === 'ada of the code host', answer);
}

/** The account page: what is connected, and whether it works. */
async function shown({ desk, phone, house }) {
  for (const window of [desk, phone]) {
    await window.page.goto(`${house.origin}/account`);
    await window.look('account-connections');
  }
  const { page } = desk;
  for (const name of ['Code Host', 'Team CRM']) {
    await page.getByRole('button', { name: `Test ${name}` }).click();
    const said = await page.getByRole('status').first().innerText();
    check(`${name} is tried and accepted`, said.includes('accepted'), said);
  }
}

/** The provider ends it; the person connects again. */
async function again({ desk, house, host, peer }) {
  host.tell('revoke');
  await host.line((line) => line === 'ended', { what: 'revocation' });
  const asked = await whoami(peer);
  const link = asked.elicitations?.[0]?.url ?? '';
  check('the next call asks to connect again', LINK.test(link) && /again/.test(asked.elicitations[0].message), asked);
  const { page } = desk;
  await page.goto(`${house.origin}/account`);
  await page.getByRole('button', { name: 'Test Code Host' }).click();
  await page.getByRole('alert').waitFor();
  await desk.look('account-broken');
  check('the page says what works no more', await page.getByText('works no more').isVisible());

  await page.getByRole('button', { name: 'Reconnect Code Host' }).click();
  await page.getByRole('button', { name: /Continue to localhost/ }).click();
  // Still signed in there, and asked anew.
  const there = page.locator('input[name=login]');
  if (await there.isVisible().catch(() => false)) await throughProvider(page, 'ada');
  else await page.getByText('Continue', { exact: true }).click();
  await page.getByRole('heading', { name: 'Code Host is connected' }).waitFor();
  const answer = await whoami(peer);
  check('and then goes through', answer.text === 'ada of the code host', answer);
}

/** Bob's own call, and ada's browser: nothing of hers becomes his. */
async function anothers({ browser, desk, phone, house }) {
  addBob(house);
  const bob = await view(browser, house, 'bob', DESK);
  await signIn(bob.page, house, BOB);
  const keyed = await client(bob, house, 'crm');
  const link = linkIn(await whoami(keyed));
  const seen = await desk.page.goto(link);
  check("ada follows bob's link: refused", seen.status() === 403, seen.status());
  await desk.look('connect-other-person');
  await phone.page.goto(link);
  await phone.look('connect-other-person');

  const signed = await client(bob, house, 'code');
  const own = linkIn(await whoami(signed));
  await bob.page.goto(own);
  const action = await bob.page.getByRole('main').locator('form').getAttribute('action');
  const token = await bob.page.locator('main input[name=form_token]').inputValue();
  const answer = await bob.page.request.post(house.origin + action, {
    form: { form_token: token }, headers: { origin: house.origin },
  });
  const there = /url=([^"]+)"/.exec(await answer.text())[1].replaceAll('&#38;', '&').replaceAll('&amp;', '&');
  const back = desk.page.waitForResponse(/\/connect\/callback\/code\?/);
  await desk.page.goto(there);
  await desk.page.getByText('Continue', { exact: true }).click();
  check('what bob began ada cannot finish', (await back).status() === 400, (await back).status());
  await desk.look('connect-other-browser');
  const still = await whoami(signed);
  check("bob's call still has nobody's access", still.isError && LINK.test(still.text), still);
  await Promise.all([keyed.end(), signed.end()]);
}

/** Gone here, and revoked there. */
async function ended({ desk, house, host, peer }) {
  const { page } = desk;
  await page.goto(`${house.origin}/account`);
  const revoked = host.line((line) => /^revoked /.test(line), { what: 'revocation at the provider' });
  await page.getByRole('button', { name: 'Disconnect Code Host' }).click();
  await page.getByRole('status').filter({ hasText: 'Disconnected' }).waitFor();
  check('it is revoked at the provider', Boolean(await revoked));
  await desk.look('account-disconnected');
  const asked = await whoami(peer);
  check('the next call asks anew', LINK.test(asked.elicitations?.[0]?.url ?? ''), asked);
  await peer.end();
}

/** Without JavaScript; and nothing of a key lies about. */
async function plainly({ browser, house }) {
  const { page } = await view(browser, house, 'plain', { ...DESK, javaScriptEnabled: false });
  await signIn(page, house, ADA);
  await page.getByRole('button', { name: 'Change key of Team CRM' }).click();
  await page.getByLabel('API key').fill(KEY);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.getByRole('heading', { name: 'Team CRM is connected' }).waitFor();
  check('a key is changed without JavaScript', true);
  await page.goto(`${house.origin}/account`);
  check('no page shows it', !(await page.content()).includes(KEY));
}

function remembered(house) {
  const files = readdirSync(house.data).filter((name) => name.startsWith('bailiwick.db'));
  const found = files.filter((name) => readFileSync(join(house.data, name)).includes(KEY));
  check('no file holds the key in the open', files.length > 0 && found.length === 0, found);
  check('no log does', !house.child.told().includes(KEY));
}

const shots = join(ROOT, 'target/screenshots');
mkdirSync(shots, { recursive: true });
const { house, host } = await company();
const browser = await openBrowser(shots);
const desk = await view(browser, house, 'desk', DESK);
const phone = await view(browser, house, 'phone', PHONE);
const scene = { browser, desk, phone, house, host };

await story('A key of their own', () => aKey(scene));
await story('A sign-in at a provider', () => aSignIn(scene));
await story('What is connected', () => shown(scene));
await story('Connected again', () => again(scene));
await story("Somebody else's link", () => anothers(scene));
await story('Disconnected', () => ended(scene));
await story('Without JavaScript', () => plainly(scene));
await story('What the browser noticed', () => {
  check('no page asked anything of another origin', browser.foreign.length === 0, browser.foreign);
  check('no page broke its content security policy', browser.complaints.length === 0, browser.complaints);
});
await browser.close();
await host.stop();
await house.child.stop();
await story('What is remembered', () => remembered(house));
await house.close();
close();
