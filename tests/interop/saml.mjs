// People who sign in at a SAML provider, in real Chromium: `pysaml2` as the login
// of a company, an official SDK that needs a consent, and the attacks on the way
// back: an answer for another sign-in, one that is not itself signed, one in
// another browser, one for the second time.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { check, close, story } from './stage/ledger.mjs';
import { INTEROP, PYTHON, ROOT, serve, built } from './stage/house.mjs';
import { Child, freePort } from './stage/process.mjs';
import { Peer } from './stage/peer.mjs';
import { consents, makeAccount, openBrowser } from './stage/pages.mjs';

const DESK = { viewport: { width: 1280, height: 900 } };
const PASSWORD = 'correct horse battery staple';
const ACS = /\/login\/corp\/acs$/;

/** A provider, and a house that has its metadata in a file. */
async function company() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-saml-'));
  const provider = new Child('pysaml2', [PYTHON, join(INTEROP, 'saml.py'), 'idp', `${port}`, folder], { cwd: INTEROP });
  await provider.line((line) => /^ready/.test(line), { what: 'provider' });
  const file = join(folder, 'bailiwick.toml');
  writeFileSync(file, `
    [login.corp]
    kind = "saml"
    metadata = "${join(folder, 'idp.xml')}"
    title = "Example Corp"
    key = { file = "${join(folder, 'service.key')}" }
    certificate = "${join(folder, 'service.crt')}"
    email_attribute = "urn:mace:dir:attribute-def:mail"
    [server.notes]
    command = ["${built('bailiwick')}", "demo-server"]
    allow = { "notes:read" = ["group:dev"] }
  `);
  const house = await serve([], { options: ['--config', file] });
  return { house, provider, folder, issuer: `http://127.0.0.1:${port}` };
}

/** From our login page to the provider's, and back by one of its buttons. */
async function throughProvider(page, person, button = 'Sign in') {
  await page.getByRole('link', { name: 'Sign in with Example Corp' }).click();
  await page.locator('input[name=login]').fill(person);
  await page.getByRole('button', { name: button, exact: true }).click();
}

async function signIn({ desk, house }) {
  const peer = new Peer('TypeScript', house.resource, { browser: true });
  const { url } = await peer.event('authorize');
  await desk.page.goto(url);
  const posted = desk.page.waitForResponse((response) => ACS.test(response.url()));
  await throughProvider(desk.page, 'ada');
  const cookies = (await (await posted).request().allHeaders()).cookie;
  check('the answer comes from another site, without our cookies', cookies === undefined, cookies);
  await consents(desk, house, peer, { picture: 'consent-saml', name: 'corp/p-ada' });
  await desk.look('account-saml');
}

/** Signs in by a lie; nobody may be signed in by it. */
async function lies({ browser, house }) {
  for (const [button, what] of [['Say it again', 'what it said for another sign-in'], ['Sign around it', 'an assertion that is not signed itself']]) {
    const view = await browser.view('liar', house.origin, DESK);
    await view.page.goto(`${house.origin}/login`);
    const answered = view.page.waitForResponse((response) => ACS.test(response.url()));
    await throughProvider(view.page, 'ada', button);
    const status = (await answered).status();
    check(`${what}: refused`, status === 403, status);
    await view.page.waitForLoadState();
    await view.look('login-saml-refused');
    const account = await view.page.goto(`${house.origin}/account`);
    check('and nobody is signed in', account.url().includes('/login'), account.url());
  }
}

/** An attacker keeps the answer to their own sign-in and has a victim's browser post it. */
async function anothersAnswer({ browser, desk, house }) {
  const thief = await browser.view('thief', house.origin, DESK);
  await thief.page.goto(`${house.origin}/login`);
  let kept;
  await thief.page.route(ACS, (route) => {
    kept = new URLSearchParams(route.request().postData());
    return route.fulfill({ status: 200, body: 'kept' });
  });
  await throughProvider(thief.page, 'bob');
  await thief.page.getByText('kept').waitFor();

  const victim = await browser.view('victim', house.origin, DESK);
  const inputs = [...kept].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join('');
  await victim.page.setContent(`<form method="post" action="${house.origin}/login/corp/acs">${inputs}<button>Go</button></form>`);
  const answered = victim.page.waitForResponse(/\/login\/corp\/callback\?/);
  await victim.page.getByRole('button', { name: 'Go' }).click();
  const status = (await answered).status();
  check("another browser's answer: refused", status === 400, status);
  await victim.page.waitForLoadState();
  const account = await victim.page.goto(`${house.origin}/account`);
  check('the victim is not signed in as the attacker', account.url().includes('/login'), account.url());

  await desk.page.setContent(`<form method="post" action="${house.origin}/login/corp/acs">${inputs}<button>Go</button></form>`);
  const again = desk.page.waitForResponse((response) => ACS.test(response.url()));
  await desk.page.getByRole('button', { name: 'Go' }).click();
  check('the same answer again: refused', (await again).status() === 400);
}

/** What is known of ada afterwards. */
function remembered(house, issuer) {
  const rows = new DatabaseSync(join(house.data, 'bailiwick.db'), { readOnly: true })
    .prepare('SELECT issuer, subject, email, member_of FROM upstream_identities').all();
  const [ada] = rows;
  check('one person, by entity and persistent name', rows.length === 1 && ada.subject === 'p-ada' && ada.issuer === `saml:${issuer}/metadata`, rows);
  check('groups and address are kept', ada?.member_of === '["dev","ops"]' && ada?.email === 'ada@corp.example', rows);
}

const shots = join(ROOT, 'target/screenshots');
mkdirSync(shots, { recursive: true });
const { house, provider, folder, issuer } = await company();
const browser = await openBrowser(shots);
const desk = await browser.view('desk', house.origin, DESK);
const admin = await browser.view('admin', house.origin, DESK);
const scene = { browser, desk, house };

await story('The first account is local', () => makeAccount(admin.page, house, { name: 'admin', password: PASSWORD }));
await story('A person of the company', () => signIn(scene));
await story('A provider that lies', () => lies(scene));
await story("An answer in another's browser", () => anothersAnswer(scene));
await story('What the browser noticed', () => {
  check('no page asked anything of another origin', browser.foreign.length === 0, browser.foreign);
  check('no page broke its content security policy', browser.complaints.length === 0, browser.complaints);
});
await browser.close();
await provider.stop();
await house.child.stop();
await story('What is remembered', () => remembered(house, issuer));
await house.close();
rmSync(folder, { recursive: true });
close();
