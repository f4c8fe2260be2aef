// People and programs together, in real Chromium: a fresh `bailiwick serve` in
// front of the MCP project's sample server, the first account from its set-up
// link, and each official SDK through login, a consent with one tool left out,
// calls, and the Stop on the account page. Every page is looked at on a desk
// and on a phone, in light and in dark, by axe-core and for a screenshot.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { check, close, story } from './stage/ledger.mjs';
import { EVERYTHING, ROOT, serve } from './stage/house.mjs';
import { Peer } from './stage/peer.mjs';
import { openBrowser } from './stage/pages.mjs';

const NAME = 'ada';
const PASSWORD = 'correct horse battery staple';
const LEFT_OUT = 'get-sum';
const HOUR = 3_600_000;
const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  colorScheme: 'dark',
};

/** The first account, from the link that `serve` printed. */
async function setUp(desk, phone, house) {
  const { page } = desk;
  await page.goto(house.origin);
  await desk.look('home-before');
  const link = await house.setupLink();
  await phone.page.goto(link);
  await phone.look('setup');

  await page.goto(link);
  await desk.look('setup');
  await fillAccount(page, PASSWORD, 'something else entirely');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('alert').waitFor();
  check('two different passwords are an error on the page', await page.getByRole('alert').isVisible());
  await desk.look('setup-error');

  await fillAccount(page, PASSWORD, PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.waitForURL((url) => url.pathname !== '/setup');
  check('the first account is made', !page.url().includes('/setup'), page.url());
  const again = await phone.page.goto(link);
  const open = await phone.page.getByRole('button', { name: 'Make the account' }).isVisible();
  check('the set-up link works once', !open, `${again.status()}`);
}

async function fillAccount(page, password, again) {
  await page.getByLabel('User name').fill(NAME);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Password again').fill(again);
}

async function signIn(page, password) {
  await page.getByLabel('User name').fill(NAME);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function signOut(view, house) {
  await view.page.goto(`${house.origin}/account`);
  await view.page.getByRole('button', { name: 'Sign out' }).click();
  await view.page.waitForURL((url) => url.pathname !== '/account');
}

/** A login with a wrong password first. */
async function login(view, url) {
  const { page } = view;
  await page.goto(url);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await view.look('login');
  await signIn(page, 'not the password');
  await page.getByRole('alert').waitFor();
  check('a wrong password is an error on the page', await page.getByRole('alert').isVisible());
  await view.look('login-error');
  await signIn(page, PASSWORD);
  await page.getByRole('button', { name: 'Allow', exact: true }).waitFor();
}

function toolBox(page, tool) {
  return page.locator(`input[type=checkbox][value="${tool}"]`);
}

/** What a person must see before saying yes. */
async function readConsent(page, peer, house) {
  const text = await page.getByRole('main').innerText();
  check('consent names the client', text.includes(peer.shown), text);
  check('consent names the redirect host', text.includes('127.0.0.1') || text.includes('localhost'), text);
  check('consent names the server', text.includes(house.resource), text);
  check('every tool is offered, ticked', await toolBox(page, LEFT_OUT).isChecked() && await toolBox(page, 'echo').isChecked());
}

/** Consent with a mouse, for as short as it goes. */
async function consentByMouse({ page }) {
  await toolBox(page, LEFT_OUT).uncheck();
  await page.getByLabel('1 hour').check();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
}

/** Consent with nothing but Tab, Space, the arrows and Enter, for one step longer than offered. */
async function consentByKeyboard({ page }) {
  await tabTo(page, (element, tool) => element.value === tool, LEFT_OUT);
  const seen = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  });
  check('the focus can be seen', seen);
  await page.keyboard.press('Space');
  await tabTo(page, (element) => element.type === 'radio');
  await page.keyboard.press('ArrowDown');
  await tabTo(page, (element) => element.value === 'allow');
  await page.keyboard.press('Enter');
}

async function tabTo(page, matches, tool) {
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(`(${matches})(document.activeElement, ${JSON.stringify(tool)})`);
    if (found) return;
  }
  throw new Error(`200 times Tab do not reach ${matches}`);
}

/** What the token and the gateway make of the consent. */
async function useTools(peer, house) {
  const { claims } = await peer.event('token');
  const details = (claims.authorization_details ?? []).filter((detail) => detail.type === 'mcp_tools');
  const tools = details.flatMap((detail) => detail.tools);
  check('the token names its tools', tools.includes('echo') && details[0]?.locations?.includes(house.resource), claims);
  check('the left-out tool is not in the token', details.length > 0 && !tools.includes(LEFT_OUT), details);
  await peer.event('ready');

  const { names = [] } = await peer.ask({ do: 'tools' });
  check('tools/list leaves it out', names.includes('echo') && !names.includes(LEFT_OUT), names);
  const echo = await peer.ask({ do: 'call', tool: 'echo', arguments: { message: 'hello' } });
  check('an allowed tool answers', echo.event === 'call' && !echo.isError && echo.text.includes('hello'), echo);
  const sum = await peer.ask({ do: 'call', tool: LEFT_OUT, arguments: { a: 20, b: 22 } });
  check('the left-out tool is refused', sum.event === 'call' && sum.isError, sum);
  check('the refusal names its rule', JSON.stringify(sum.meta ?? {}).includes('consent:left-out'), sum);
}

/** The account page shows the app, stops it, and the next call is refused. */
async function stop(peer, { desk, phone, house, hours }) {
  const { page } = desk;
  await page.goto(`${house.origin}/account`);
  check('the account page shows the app', await page.getByRole('heading', { name: peer.shown }).isVisible());
  const until = await page.locator('dt', { hasText: 'Until' }).locator('+ dd time').first().getAttribute('datetime');
  const lasts = Date.parse(until) - Date.now();
  check('it may act for as long as was chosen', Math.abs(lasts - hours * HOUR) < HOUR / 6, until);
  await desk.look('account');
  await phone.page.goto(`${house.origin}/account`);
  await phone.look('account');

  await page.getByRole('button', { name: `Stop ${peer.shown}` }).click();
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor();
  await page.getByRole('button', { name: `Stop ${peer.shown}` }).waitFor({ state: 'detached' });
  check('after Stop the app is gone from the page', !(await page.getByRole('heading', { name: peer.shown }).isVisible()));
  await desk.look('account-stopped');
  const next = await peer.ask({ do: 'call', tool: 'echo', arguments: { message: 'still there?' } });
  check('its next call is a 401', next.event === 'refused' && next.status === 401, next);
}

async function appStory(name, scene) {
  const { desk, phone, house, consent } = scene;
  const peer = new Peer(name, house.resource, { browser: true });
  const { url } = await peer.event('authorize');
  await login(desk, url);
  await readConsent(desk.page, peer, house);
  await desk.look('consent');
  await phone.page.goto(url);
  if (await phone.page.getByRole('button', { name: 'Sign in' }).isVisible()) {
    await phone.look('login');
    await signIn(phone.page, PASSWORD);
  }
  await phone.page.getByRole('button', { name: 'Allow', exact: true }).waitFor();
  await phone.look('consent');

  await consent(desk);
  const callback = await peer.event('callback');
  check('the answer to the login names its issuer', callback.iss === house.origin, callback);
  await useTools(peer, house);
  await stop(peer, scene);
  await peer.end();
  await signOut(desk, house);
}

/** A person says no. */
async function denial({ desk, house }) {
  const peer = new Peer('TypeScript', house.resource, { browser: true });
  const { url } = await peer.event('authorize');
  await desk.page.goto(url);
  await signIn(desk.page, PASSWORD);
  await desk.page.getByRole('button', { name: 'Deny' }).click();
  const callback = await peer.event('callback');
  check('a No reaches the client as access_denied', callback.error === 'access_denied', callback);
  await peer.end();
}

/** Requests that must not be answered by a redirect. */
async function badRequests({ desk, phone, house }) {
  const peer = new Peer('TypeScript', house.resource, { browser: true });
  const known = new URL((await peer.event('authorize')).url);
  await peer.stop();
  known.searchParams.set('redirect_uri', 'https://attacker.example/callback');
  const unknown = new URL(known);
  unknown.searchParams.set('client_id', 'nobody-knows-this-client');

  for (const [title, url] of Object.entries({ 'error-redirect': known, 'error-client': unknown })) {
    for (const view of [desk, phone]) {
      const answer = await view.page.goto(url.href);
      const stayed = view.page.url().startsWith(house.origin);
      check(`${title} on the ${view.name}: a page, never a redirect`, answer.status() === 400 && stayed, view.page.url());
      await view.look(title);
    }
  }
  await desk.page.goto(house.origin);
  await desk.look('home');
  await phone.page.goto(house.origin);
  await phone.look('home');
}

/** A client that arrives before any account exists is led through set-up and back into its consent. */
async function newcomer(browser) {
  const house = await serve();
  const view = await browser.view('newcomer', house.origin, DESK);
  const peer = new Peer('TypeScript', house.resource, { browser: true });
  await view.page.goto((await peer.event('authorize')).url);
  await fillAccount(view.page, PASSWORD, PASSWORD);
  await view.page.getByRole('button', { name: 'Make the account' }).click();
  await view.page.getByRole('button', { name: 'Allow', exact: true }).click();
  await peer.event('ready');
  const notes = await peer.ask({ do: 'call', tool: 'list_notes' });
  check('a tool of the sample server answers', notes.event === 'call' && !notes.isError, notes);
  await peer.end();
  await house.close();
}

const shots = join(ROOT, 'target/screenshots');
mkdirSync(shots, { recursive: true });
const house = await serve(['--', ...EVERYTHING]);
const browser = await openBrowser(shots);
const desk = await browser.view('desk', house.origin, DESK);
const phone = await browser.view('phone', house.origin, PHONE);
const scene = { desk, phone, house };

await story('The first account', async () => {
  await setUp(desk, phone, house);
  await signOut(desk, house);
});
await story('TypeScript SDK, with a mouse', () => appStory('TypeScript', { ...scene, consent: consentByMouse, hours: 1 }));
await story('Python SDK, with the keyboard alone', () => appStory('Python', { ...scene, consent: consentByKeyboard, hours: 90 * 24 }));
await story('A No', () => denial(scene));
await story('Requests that cannot be answered', () => badRequests(scene));
await story('A client before any account', () => newcomer(browser));
await story('What the browser noticed', () => {
  check('no page asked anything of another origin', browser.foreign.length === 0, browser.foreign);
  check('no page broke its content security policy', browser.complaints.length === 0, browser.complaints);
});

await browser.close();
await house.close();
close();
