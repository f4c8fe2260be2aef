// People who sign in elsewhere, in real Chromium: `oidc-provider` as the login of
// a company, an official SDK that needs a consent, and the attacks on the way
// back: an answer in another browser, an answer for the second time.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { check, close, story } from './stage/ledger.mjs';
import { INTEROP, NODE, ROOT, serve, built } from './stage/house.mjs';
import { Child, freePort } from './stage/process.mjs';
import { Peer } from './stage/peer.mjs';
import { consents, makeAccount, openBrowser } from './stage/pages.mjs';

const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' };
const PASSWORD = 'correct horse battery staple';
const CALLBACK = /\/login\/corp\/callback\?/;

/** A house that knows the provider, and the provider that knows the house. */
async function company() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-login-'));
  const file = join(folder, 'bailiwick.toml');
  writeFileSync(file, `
    [login.corp]
    kind = "oidc"
    issuer = "http://localhost:${port}"
    title = "Example Corp"
    client_id = "bailiwick"
    client_secret = { env = "CORP_SECRET" }
    scopes = ["profile", "email", "groups"]
    [server.notes]
    command = ["${built('bailiwick')}", "demo-server"]
    allow = { "notes:read" = ["group:dev"] }
  `);
  process.env.CORP_SECRET = 'a secret of the test';
  const house = await serve([], { options: ['--config', file] });
  const command = [NODE, join(INTEROP, 'oidc_provider.mjs'), `${port}`, `${house.origin}/login/corp/callback`];
  const provider = new Child('oidc-provider', command, { cwd: INTEROP });
  await provider.line((line) => /^ready/.test(line), { what: 'provider' });
  rmSync(folder, { recursive: true });
  return { house, provider, issuer: `http://localhost:${port}` };
}

/** A window that reaches this machine only: the provider's pages ask for a font elsewhere. */
async function view(browser, house, name, options) {
  const made = await browser.view(name, house.origin, options);
  const elsewhere = (url) => !['localhost', '127.0.0.1'].includes(url.hostname);
  await made.page.route(elsewhere, (route) => route.abort());
  return made;
}

/** From our login page through the provider's own pages, up to its consent. */
async function throughProvider(page, person) {
  await page.getByRole('link', { name: 'Sign in with Example Corp' }).click();
  await page.locator('input[name=login]').fill(person);
  await page.locator('input[name=password]').fill('anything');
  await page.locator('button[type=submit]').click();
  await page.getByText('Continue', { exact: true }).waitFor();
}

/** Says yes to the provider, and keeps its answer instead of following it. */
async function keepAnswer(page) {
  const form = { prompt: 'consent' };
  let step = await page.request.post(await page.locator('form').getAttribute('action'), { form, maxRedirects: 0 });
  for (let hop = 0; hop < 5 && !CALLBACK.test(step.headers().location); hop += 1) {
    step = await page.request.get(new URL(step.headers().location, page.url()).href, { maxRedirects: 0 });
  }
  return step.headers().location;
}

async function signIn({ desk, phone, house }) {
  const peer = new Peer('TypeScript', house.resource, { browser: true });
  const { url } = await peer.event('authorize');
  await phone.page.goto(url);
  await phone.look('login-provider');
  await desk.page.goto(url);
  await desk.look('login-provider');

  const answered = desk.page.waitForRequest(CALLBACK);
  await throughProvider(desk.page, 'ada');
  await desk.page.getByText('Continue', { exact: true }).click();
  const answer = (await answered).url();
  const text = await consents(desk, house, peer, { picture: 'consent-federated', name: 'corp/ada' });
  check('there is no password to change', !text.includes('Change your password'), text);
  await desk.look('account-federated');

  for (const view of [desk, phone]) {
    const again = await view.page.goto(answer);
    check(`the same answer again, on the ${view.name}: refused`, again.status() === 400, again.status());
  }
  await phone.look('login-expired');
  const account = await phone.page.goto(`${house.origin}/account`);
  check('and nobody is signed in there', account.url().includes('/login'), account.url());
}

/** Out at the provider, and out here: nobody goes back to this house for it. */
async function signOutThere({ browser, house, issuer }) {
  const ada = await view(browser, house, 'leaving', DESK);
  const other = await view(browser, house, 'staying', DESK);
  for (const { page } of [ada, other]) {
    await page.goto(`${house.origin}/login`);
    await throughProvider(page, 'ada');
    await page.getByText('Continue', { exact: true }).click();
    await page.waitForURL(/\/account/);
  }
  await ada.page.goto(`${issuer}/session/end`);
  await ada.page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await ada.page.waitForURL((url) => url.origin === issuer && url.pathname !== '/session/end');
  let gone = false;
  for (let tries = 0; tries < 50 && !gone; tries += 1) {
    gone = (await ada.page.goto(`${house.origin}/account`)).url().includes('/login');
    if (!gone) await ada.page.waitForTimeout(100);
  }
  check('signing out at the provider signs out here', gone, ada.page.url());
  const stays = await other.page.goto(`${house.origin}/account`);
  check('another session of the same person goes on', !stays.url().includes('/login'), stays.url());
}

/** An attacker keeps the answer to their own sign-in and has a victim open it. */
async function anothersAnswer({ browser, phone, house }) {
  const thief = await view(browser, house, 'thief', DESK);
  await thief.page.goto(`${house.origin}/login`);
  await throughProvider(thief.page, 'bob');
  const answer = await keepAnswer(thief.page);

  const seen = await phone.page.goto(answer);
  check("another browser's callback: refused", seen.status() === 400, seen.status());
  await phone.look('login-other-browser');
  const account = await phone.page.goto(`${house.origin}/account`);
  check('the victim is not signed in as the attacker', account.url().includes('/login'), account.url());

  const own = await thief.page.goto(answer);
  const text = await thief.page.locator('body').innerText();
  check('its own browser may still finish', own.status() === 200 && text.includes('corp/bob'), `${own.status()} ${own.url()} ${text}`);
}

/** What is known of both afterwards, and what is not. */
function remembered(house) {
  const rows = new DatabaseSync(join(house.data, 'bailiwick.db'), { readOnly: true })
    .prepare('SELECT subject, email, member_of FROM upstream_identities ORDER BY subject').all();
  const [ada, bob] = rows;
  check('groups are kept', ada?.member_of === '["dev","ops"]' && bob?.member_of === '["sales"]', rows);
  check('only a verified address is kept', ada?.email === 'ada@corp.example' && bob?.email === null, rows);
}

const shots = join(ROOT, 'target/screenshots');
mkdirSync(shots, { recursive: true });
const { house, provider, issuer } = await company();
const browser = await openBrowser(shots);
const desk = await view(browser, house, 'desk', DESK);
const phone = await view(browser, house, 'phone', PHONE);
const admin = await view(browser, house, 'admin', DESK);
const scene = { browser, desk, phone, house, issuer };

await story('The first account is local', () => makeAccount(admin.page, house, { name: 'admin', password: PASSWORD }));
await story('A person of the company', () => signIn(scene));
await story('Signing out at the provider', () => signOutThere(scene));
await story("An answer in another's browser", () => anothersAnswer(scene));
await story('What the browser noticed', () => {
  check('no page asked anything of another origin', browser.foreign.length === 0, browser.foreign);
  check('no page broke its content security policy', browser.complaints.length === 0, browser.complaints);
});
await browser.close();
await provider.stop();
await house.child.stop();
await story('What is remembered', () => remembered(house));
await house.close();
close();
