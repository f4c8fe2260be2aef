// Real Chromium, and a careful look at each page it shows.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { check } from './ledger.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE = 20_000;
// The machine has no network, and Chromium would ask for some all the time.
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens Debian's Chromium; screenshots go to the folder `shots`. */
export async function openBrowser(shots) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const chrome = await chromium.launch({ executablePath, args: QUIET });
  const browser = {
    foreign: [],
    complaints: [],
    /** A window without memory; `origin` is the only place its pages may ask. */
    async view(name, origin, options) {
      const context = await chrome.newContext({ ...options, reducedMotion: 'reduce' });
      context.setDefaultTimeout(PATIENCE);
      const page = await context.newPage();
      watch(page, origin, browser);
      return new View(name, page, shots);
    },
    close: () => chrome.close(),
  };
  return browser;
}

/** Notes what a page of ours asks of others and what Chromium complains about. */
function watch(page, origin, { foreign, complaints }) {
  page.on('request', (request) => {
    const from = request.frame()?.url() ?? '';
    const ours = new URL(request.url()).origin === origin;
    if (!ours && !request.isNavigationRequest() && from.startsWith(origin)) foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() !== 'error' || !page.url().startsWith(origin)) return;
    // A refusal has a status of its own, and Chromium reports each as an error.
    if (!/status of 4\d\d/.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
  });
}

/** One window: a page, and what every page must be. */
class View {
  constructor(name, page, shots) {
    this.name = name;
    this.page = page;
    this.shots = shots;
  }

  /** Takes a screenshot, asks axe-core, and checks that nothing runs off the side. */
  async look(title) {
    const { page, name } = this;
    await page.screenshot({ path: join(this.shots, `${title}-${name}.png`), fullPage: true });
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html}`);
    check(`${title} on the ${name}: axe finds nothing`, found.length === 0, found);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(`${title} on the ${name}: fits the width`, wide <= 0, `${wide} pixels too wide`);
  }
}

/** Makes the first account, by the set-up link. */
export async function makeAccount(page, house, { name, password }) {
  await page.goto(await house.setupLink());
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Password again').fill(password);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.waitForURL(/\/account/);
}

/** Signs in with a password. */
export async function signIn(page, house, { name, password }) {
  await page.goto(`${house.origin}/login`);
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/account/);
}

// Somebody who signed in elsewhere consents: a tool answers them, and the account page knows them by `name`. Gives the
// words of that page.
export async function consents(view, house, peer, { picture, name }) {
  const { page } = view;
  const allow = page.getByRole('button', { name: 'Allow', exact: true });
  await allow.waitFor();
  check('the provider leads to the consent', page.url().startsWith(`${house.origin}/consent`), page.url());
  await view.look(picture);
  await allow.click();
  await peer.event('ready');
  const notes = await peer.ask({ do: 'call', tool: 'list_notes' });
  check('a tool answers the person from elsewhere', notes.event === 'call' && !notes.isError, notes);
  await peer.end();

  await page.goto(`${house.origin}/account`);
  const text = await page.locator('body').innerText();
  check('the account carries the provider in its name', text.includes(name), text);
  return text;
}
