// A person lets an agent work for them, in real Chromium: the choice of an agent,
// the terms, the page of the job with what the agent needs; then the agent as
// that page says, up to the last call it was given, one more, and the Stop.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, close, story } from './stage/ledger.mjs';
import { ROOT, built, serve } from './stage/house.mjs';
import { makeAccount, openBrowser, signIn } from './stage/pages.mjs';

const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' };
const NAME = 'ada';
const PERSON = { name: NAME, password: 'correct horse battery staple' };
const SECRET = 'a secret of the test';

/** A house with two agents in front of the sample server. */
async function withAgents() {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-jobs-'));
  const file = join(folder, 'bailiwick.toml');
  writeFileSync(file, `
    [server.notes]
    title = "Sample notes"
    command = ["${built('bailiwick')}", "demo-server"]
    [agent.orchestrator]
    title = "Orchestrator"
    authenticate = { client_secret = { env = "AGENT_SECRET" } }
    may_call = ["notes", "researcher"]
    [agent.researcher]
    title = "Researcher"
    authenticate = { client_secret = { env = "AGENT_SECRET" } }
    may_call = ["notes"]
  `);
  process.env.AGENT_SECRET = SECRET;
  const house = await serve([], { options: ['--config', file] });
  rmSync(folder, { recursive: true });
  return house;
}

async function tabTo(page, matches) {
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(`(${matches})(document.activeElement)`)) return;
  }
  throw new Error(`200 times Tab do not reach ${matches}`);
}

/** From the account page to the terms, on the desk and on the phone. */
async function choose({ desk, phone, house }) {
  const { page } = desk;
  await page.getByRole('link', { name: 'Let an agent work for me' }).click();
  await desk.look('job-choose');
  await page.getByRole('link', { name: 'Choose Orchestrator' }).click();
  await page.getByRole('heading', { name: 'Let Orchestrator work for me' }).waitFor();
  await desk.look('job-terms');
  await phone.page.goto(`${house.origin}/account/job`);
  await phone.look('job-choose');
  await phone.page.goto(page.url());
  await phone.look('job-terms');
  const box = (tool) => page.locator(`input[type=checkbox][value="notes/${tool}"]`);
  check('what reads and writes is ticked', (await box('list_notes').isChecked()) && (await box('add_note').isChecked()));
  check('what is destructive is not', !(await box('delete_note').isChecked()));
}

/** A form without a reason comes back and says so. */
async function forget({ desk }) {
  const { page } = desk;
  await page.locator('main form').evaluate((form) => { form.noValidate = true; });
  await page.getByRole('button', { name: 'Let it work' }).click();
  await page.getByRole('alert').waitFor();
  check('what is missing is said', (await page.getByRole('alert').innerText()).includes('what it is for'));
  await desk.look('job-error');
}

/** The terms with nothing but the keyboard; answers the grant's id. */
async function agree({ desk, phone }) {
  const { page } = desk;
  await tabTo(page, (element) => element.id === 'reason');
  await page.keyboard.type('Tidy up the notes');
  await tabTo(page, (element) => element.value === 'notes/add_note');
  await page.keyboard.press('Space');
  await tabTo(page, (element) => element.type === 'radio');
  await page.keyboard.press('ArrowDown');
  await tabTo(page, (element) => element.id === 'budget');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('2');
  await tabTo(page, (element) => element.innerText === 'Let it work');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/account\/job\/gr_/);
  const text = await page.getByRole('main').innerText();
  check('the page says what was agreed', ['Tidy up the notes', '0 of 2 made', 'researcher'].every((word) => text.includes(word)), text);
  await desk.look('job');
  await phone.page.goto(page.url());
  await phone.look('job');
  return new URL(page.url()).pathname.split('/').pop();
}

/** The agent, which has nothing but its secret and what the page shows; answers what calls a tool. */
async function agent({ desk, house }, grant) {
  const example = await desk.page.getByLabel('How the agent obtains a token').innerText();
  const fields = [...example.matchAll(/-d (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]);
  check('the page shows the grant', fields.some(([name, value]) => name === 'subject_token' && value === grant), example);
  const answer = await fetch(/curl (\S+)/.exec(example)[1], {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`orchestrator:${encodeURIComponent(SECRET)}`)}` },
    body: new URLSearchParams(fields),
  });
  const token = await answer.json();
  check('what the page says obtains a token', answer.status === 200 && token.expires_in <= 300, token);
  const headers = {
    authorization: `Bearer ${token.access_token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const say = (message) =>
    fetch(`${house.origin}/mcp/notes`, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'orchestrator', version: '1' } };
  const began = await say({ id: 1, method: 'initialize', params: hello });
  headers['mcp-session-id'] = began.headers.get('mcp-session-id');
  await began.text();
  await (await say({ method: 'notifications/initialized' })).text();
  return async (name) => {
    const called = await say({ id: 2, method: 'tools/call', params: { name, arguments: {} } });
    return { status: called.status, text: await called.text() };
  };
}

/** Two calls, one too many, one that is given later, and the end. */
async function work(scene, grant) {
  const { desk, house } = scene;
  const { page } = desk;
  const call = await agent(scene, grant);
  const leftOut = await call('add_note');
  check('a tool that was left out is refused, and costs nothing', leftOut.text.includes('consent:left-out'), leftOut);
  const two = [await call('list_notes'), await call('list_notes')];
  check('two calls are made', two.every(({ status, text }) => status === 200 && !text.includes('isError":true')), two);
  const third = await call('list_notes');
  check('the third is a 429 that says who can help', third.status === 429 && third.text.includes(`/account/job/${grant}`), third);

  await page.reload();
  await page.getByLabel('Calls in all').fill('3');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('status').waitFor();
  await desk.look('job-raised');
  check('with one more the agent goes on', (await call('list_notes')).status === 200);

  await page.goto(`${house.origin}/account`);
  await desk.look('account-job');
  const told = await page.getByRole('main').innerText();
  check('the account page says what it works on, and how far it is', told.includes('Tidy up the notes') && told.includes('3 of 3 made'), told);
  await page.getByRole('button', { name: 'Stop Orchestrator' }).click();
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor();
  const stopped = await call('list_notes');
  check('after Stop the next call is a 401', stopped.status === 401, stopped);
  await page.goto(`${house.origin}/account/job/${grant}`);
  await desk.look('job-ended');
}

/** The same pages where scripts are switched off. */
async function withoutScripts({ browser, house }) {
  const { page } = await browser.view('plain', house.origin, { ...DESK, javaScriptEnabled: false });
  await signIn(page, house, PERSON);
  await page.getByRole('link', { name: 'Let an agent work for me' }).click();
  await page.getByRole('link', { name: 'Choose Researcher' }).click();
  await page.getByLabel('What is it for?').fill('Read');
  await page.getByLabel('7 days').check();
  await page.getByLabel('How many calls of tools?').fill('');
  await page.getByRole('button', { name: 'Let it work' }).click();
  await page.waitForURL(/\/account\/job\/gr_/);
  check('a job is given without JavaScript', (await page.getByText('as many as it takes').count()) === 1);
}

const shots = join(ROOT, 'target/screenshots');
mkdirSync(shots, { recursive: true });
const house = await withAgents();
const browser = await openBrowser(shots);
const desk = await browser.view('desk', house.origin, DESK);
const phone = await browser.view('phone', house.origin, PHONE);
const scene = { browser, desk, phone, house };

await story('A job, with the keyboard alone', async () => {
  await makeAccount(desk.page, house, PERSON);
  await signIn(phone.page, house, PERSON);
  await choose(scene);
  await forget(scene);
  await work(scene, await agree(scene));
});
await story('A job without JavaScript', () => withoutScripts(scene));
await story('What the browser noticed', () => {
  check('no page asked anything of another origin', browser.foreign.length === 0, browser.foreign);
  check('no page broke its content security policy', browser.complaints.length === 0, browser.complaints);
});

await browser.close();
await house.close();
close();
