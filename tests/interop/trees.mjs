// Who acts for whom, seen and stopped in real Chromium: Alice lets an app hand
// her over to an orchestrator, which hands her on to a researcher. The tree on
// her page grows while they work, and one press of a key ends the researcher
// while the orchestrator goes on. Then the same for whoever runs the house, on
// the console.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, call, exchange } from './stage/chain.mjs';
import { ROOT, built, serve } from './stage/house.mjs';
import { check, close, story } from './stage/ledger.mjs';
import { makeAccount, openBrowser, signIn } from './stage/pages.mjs';

const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' };
const NAME = 'alice';
const PERSON = { name: NAME, password: 'correct horse battery staple' };
const ORCHESTRATOR = ['orchestrator', 'the orchestrator proves itself by this'];
const RESEARCHER = ['researcher', 'the researcher proves itself by this'];

/** A house with two agents and the sample server. */
async function company() {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-trees-'));
  const file = join(folder, 'bailiwick.toml');
  writeFileSync(file, `
    [server.notes]
    title = "Team notes"
    command = ["${built('bailiwick')}", "demo-server"]
    [agent.orchestrator]
    title = "Orchestrator"
    authenticate = { client_secret = { env = "ORCHESTRATOR_SECRET" } }
    may_call = ["researcher", "notes"]
    [agent.researcher]
    title = "Researcher"
    authenticate = { client_secret = { env = "RESEARCHER_SECRET" } }
    may_call = ["notes"]
    scopes = ["notes:read"]
  `);
  process.env.ORCHESTRATOR_SECRET = ORCHESTRATOR[1];
  process.env.RESEARCHER_SECRET = RESEARCHER[1];
  const house = await serve([], { options: ['--config', file] });
  rmSync(folder, { recursive: true });
  return { ...house, notes: `${house.origin}/mcp/notes` };
}

/** Alice lets the app act, and the app has its token. */
async function approve(page, house) {
  const app = await App.register(house.origin, `${house.origin}/agent/orchestrator`, 'Front desk');
  await page.goto(app.authorizeUrl('notes:read notes:write'));
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  return app.token();
}

/** A party of the tree, by the line that names it. */
function party(page, name) {
  return page.locator('.party-name', { has: page.getByText(name, { exact: true }) });
}

async function becomes(page, name, state) {
  await party(page, name).first().getByText(state, { exact: true }).waitFor();
}

async function tabTo(page, label) {
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    if (focused === label) return;
  }
  throw new Error(`200 times Tab do not reach ${label}`);
}

/** The tree grows while the chain works, on a page that is never loaded again. */
async function grows(scene) {
  const { desk, phone, house } = scene;
  const { page } = desk;
  await makeAccount(page, house, PERSON);
  const front = await approve(page, house);
  await page.goto(`${house.origin}/account`);
  await page.getByText('This page follows what happens.').waitFor();
  await page.evaluate(() => { globalThis.neverLoadedAgain = true; });
  await becomes(page, 'Orchestrator', 'live');
  check('before anything happens the researcher is not there', await party(page, 'Researcher').count() === 0);

  const adas = await exchange(house.origin, ORCHESTRATOR, front, 'notes');
  const handed = await exchange(house.origin, ORCHESTRATOR, front, 'researcher');
  const beas = await exchange(house.origin, RESEARCHER, handed.access_token, 'notes');
  check('each hop has a token', [adas, handed, beas].every(({ status }) => status === 200), [adas, handed, beas]);
  await becomes(page, 'Researcher', 'live');
  const read = await call(house.notes, beas.access_token, 'list_notes');
  check('the researcher reads', read.done, read);
  const wrote = await call(house.notes, adas.access_token, 'add_note', { text: 'hello' });
  check('the orchestrator writes', wrote.status === 200, wrote);
  await page.getByText('list_notes').first().waitFor();
  await page.getByText('add_note').first().waitFor();
  const text = await page.locator('.tree').innerText();
  check('the tree begins with the person', text.trim().startsWith(NAME), text);
  const lost = await page.locator('.party', { has: party(page, 'Researcher') }).last().locator('del').allInnerTexts();
  check('the scope that was not handed on is struck out', lost.includes('notes:write'), lost);
  const left = () => page.locator('[data-left]').first().innerText();
  const before = await left();
  await page.waitForTimeout(2100);
  check('the seconds count down', parseInt(await left(), 10) < parseInt(before, 10), before);
  await desk.look('tree');
  await signIn(phone.page, house, PERSON);
  await phone.page.getByText('This page follows what happens.').waitFor();
  await phone.look('tree');
  Object.assign(scene, { front, adas, handed, beas });
}

/** Stopping the researcher ends its calls while the orchestrator goes on: with the keyboard alone. */
async function stopped({ desk, phone, house, front, adas, handed, beas }) {
  const { page } = desk;
  await tabTo(page, 'Stop Researcher for Front desk');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor();
  await becomes(page, 'Researcher', 'stopped');
  const refused = await call(house.notes, beas.access_token, 'list_notes');
  check('its next call is a 401', refused.status === 401, refused);
  const again = await exchange(house.origin, RESEARCHER, handed.access_token, 'notes');
  check('it obtains no other token', again.status === 400 && again.error === 'actor_unauthorized', again);
  const more = await exchange(house.origin, ORCHESTRATOR, front, 'researcher');
  check('nothing more is handed to it', more.status === 400, more);
  const goes = await call(house.notes, adas.access_token, 'list_notes');
  check('the orchestrator goes on', goes.done, goes);
  await becomes(phone.page, 'Researcher', 'stopped');
  check('another window shows it too', await party(phone.page, 'Researcher').isVisible());
  check('the page was never loaded again', await page.evaluate(() => globalThis.neverLoadedAgain === true));
  const focused = await page.evaluate(() => document.activeElement.closest('.tree') !== null);
  check('the focus stays in the tree', focused, await page.evaluate(() => document.activeElement.outerHTML));
  check('there is nothing left to press for it', await page.getByRole('button', { name: 'Stop Researcher for Front desk' }).count() === 0);
  await desk.look('tree-stopped');
  await phone.look('tree-stopped');
}

/** Without JavaScript the same page is as true as its last loading, and its buttons work. */
async function withoutScript(browser, { house, adas }) {
  const { page } = await browser.view('no script', house.origin, { ...DESK, javaScriptEnabled: false });
  await signIn(page, house, PERSON);
  check('the tree is there without JavaScript', await party(page, 'Researcher').isVisible());
  await page.getByRole('button', { name: 'Stop Team notes for Orchestrator' }).click();
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor();
  const refused = await call(house.notes, adas.access_token, 'list_notes');
  check('a server that is stopped for an agent is called no more', refused.status === 401, refused);
  await page.context().close();
}

/** Every page of the console, and a stop for everybody. */
async function console_({ desk, phone, house }) {
  for (const { page, look } of [desk, phone].map((view) => ({ page: view.page, look: (title) => view.look(title) }))) {
    for (const [title, path] of [['console', ''], ['console-people', '/people'], ['console-servers', '/servers'], ['console-agents', '/agents'], ['console-record', '/record']]) {
      await page.goto(`${house.origin}/console${path}`);
      for (const summary of await page.locator('summary').all()) await summary.click();
      await look(title);
    }
  }
  const { page } = desk;
  await page.goto(`${house.origin}/console/agents`);
  await page.getByRole('button', { name: 'Stop Orchestrator for everybody' }).click();
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor();
  await page.getByRole('button', { name: 'Start Orchestrator' }).click();
  await page.getByRole('status').filter({ hasText: 'may act again' }).waitFor();
  await page.goto(`${house.origin}/console/record`);
  await page.getByLabel('Agent').fill('researcher');
  await page.getByRole('button', { name: 'Search' }).click();
  const rows = await page.locator('tbody tr').allInnerTexts();
  check('the record is found by agent', rows.length > 0 && rows.every((row) => row.includes('researcher')), rows);

  await page.goto(`${house.origin}/console`);
  await page.getByText('This page follows what happens.').waitFor();
  await page.getByRole('button', { name: 'Stop Front desk' }).click();
  await page.getByText('Nobody lets anything act at the moment.').waitFor();
  check('a stopped grant leaves the console without a reload', page.url().endsWith('/console'), page.url());
}

const shots = join(ROOT, 'target/screenshots');
mkdirSync(shots, { recursive: true });
const house = await company();
const browser = await openBrowser(shots);
const desk = await browser.view('desk', house.origin, DESK);
const phone = await browser.view('phone', house.origin, PHONE);
const scene = { desk, phone, house };

await story('A tree that grows', () => grows(scene));
await story('A stop in the middle of it', () => stopped(scene));
await story('Without JavaScript', () => withoutScript(browser, scene));
await story('The console', () => console_(scene));
await story('What the browser noticed', () => {
  check('no page asked anything of another origin', browser.foreign.length === 0, browser.foreign);
  check('no page broke its content security policy', browser.complaints.length === 0, browser.complaints);
});

await browser.close();
await house.close();
close();
