// Documents that others wrote become tools: behind the gateway stands an API that Prism makes of the same document
// and that refuses whatever its schemas do not allow; before it, the official SDKs. Arguments are made up by
// json-schema-faker from what the tools' listing says, so a tool whose schema promises too much is found out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jsf from 'json-schema-faker';
import { check, close, story } from './stage/ledger.mjs';
import { INTEROP, NODE, ROOT, serve } from './stage/house.mjs';
import { CLIENTS, Peer } from './stage/peer.mjs';
import { Child, freePort } from './stage/process.mjs';

const APPROVE = ['--dev-approve', 'ada'];
/** How often each tool is called, each time with other arguments. */
const ROUNDS = process.env.BAILIWICK_FULL ? 40 : 6;
const basic = (name, password) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
const DOCUMENTS = [
  {
    file: 'petstore.yaml',
    tools: 20,
    one: ['getPetById', { petId: 7 }],
    forbidden: { petId: 'seven' },
    headers: { Authorization: 'Bearer held-by-the-gateway', api_key: 'special-key' },
  },
  {
    file: 'galaxy.json',
    tools: 9,
    one: ['getPlanet', { planetId: 1 }],
    forbidden: { planetId: 'one' },
    // An operation that wants nothing is shown nothing: Prism refuses a credential there.
    schemes: ['bearerAuth'],
  },
  {
    file: 'readme.json',
    tools: 36,
    one: ['getCategories', { perPage: 5 }],
    forbidden: { perPage: 1000 },
    headers: { Authorization: basic('key', '') },
  },
];
jsf.option({ alwaysFakeOptionals: false, optionalsProbability: 0.5, failOnInvalidFormat: false, fillProperties: false });
// A word for `uri` in some documents, which Prism checks as well.
jsf.format('url', () => 'https://files.example/openapi.json');

/** The API of a document: it checks every request, and answers with what its schemas say. */
async function api(document) {
  const port = await freePort();
  const prism = join(INTEROP, 'node_modules/@stoplight/prism-cli/dist/index.js');
  const child = new Child('prism', [NODE, prism, 'mock', '--errors', '--port', String(port), document], { cwd: INTEROP });
  // What it answers to a bad request may be any answer of the document's; its log says what it found.
  let found = 0;
  child.process.stdout.on('data', (text) => (found += String(text).split('did not pass the validation').length - 1));
  await child.line((line) => line.includes('Prism is listening'), { what: 'Prism' });
  return { child, url: `http://127.0.0.1:${port}`, violations: () => found };
}

/** One scope for all tools, so that every kind of operation is called. */
function configuration(document, url, { headers = {}, schemes = [] }) {
  const own = Object.entries(headers).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join('\n');
  const signed = '{ kind = "signed_jwt", audience = "https://galaxy.example" }';
  const security = schemes.map((scheme) => `[server.api.security.${scheme}]\ncredential = ${signed}\n`).join('\n');
  return `[server.api]\nopenapi = ${JSON.stringify(document)}\nbase_url = ${JSON.stringify(url)}\ncredential = { kind = "none" }\n
[server.api.headers]\n${own}\n\n${security}
[server.api.scopes]\n"api:all" = { tools = ["*"], says = "Everything", risk = "write" }\n`;
}

/** What Prism says of a request that belongs to no operation, and what the gateway says of one that it does not make. */
const refusals = /prism\/errors#(?!VIOLATIONS)|argument|must not be|cannot stand/;

/** Calls one tool again and again; gives what went wrong. */
async function rounds(peer, tool, violations) {
  const wrong = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const values = jsf.generate(tool.inputSchema);
    const before = violations();
    const answer = await peer.ask({ do: 'call', tool: tool.name, arguments: values });
    const refused = answer.event !== 'call' || (answer.isError && refusals.test(answer.text));
    if (refused || violations() > before) wrong.push({ values, answer: answer.text ?? answer.reason });
  }
  return wrong;
}

async function walk({ file, tools: count, one, forbidden, ...shown }) {
  const document = join(ROOT, 'tests/openapi', file);
  const { child, url, violations } = await api(document);
  const place = mkdtempSync(join(tmpdir(), 'bailiwick-openapi-'));
  const config = join(place, 'bailiwick.toml');
  writeFileSync(config, configuration(document, url, shown));
  const house = await serve([], { options: ['--config', config, ...APPROVE] });

  const peer = new Peer('TypeScript', house.resource);
  await peer.event('ready');
  const { tools = [] } = await peer.ask({ do: 'describe' });
  check(`${count} operations are tools`, tools.length === count, tools.map((tool) => tool.name));
  const hinted = tools.every(({ annotations }) => typeof annotations.readOnlyHint === 'boolean');
  check('each says what it may do', hinted);
  for (const tool of tools) {
    const wrong = await rounds(peer, tool, violations);
    check(`${tool.name} passes the API's own schema, ${ROUNDS} times`, wrong.length === 0, wrong[0]);
  }
  const [name, values] = one;
  const bad = await peer.ask({ do: 'call', tool: name, arguments: { nothing: 'of this name' } });
  check('an argument that is none is told', bad.isError && bad.text.includes('there is no argument nothing'), bad);
  const judged = violations();
  await peer.ask({ do: 'call', tool: name, arguments: forbidden });
  await new Promise((resolve) => setTimeout(resolve, 200));
  check('and what the schema forbids, the API finds', judged === 0 && violations() === 1, { judged, now: violations() });
  await peer.end();

  for (const client of Object.keys(CLIENTS)) {
    const other = new Peer(client, house.resource);
    await other.event('ready');
    const { names = [] } = await other.ask({ do: 'tools' });
    check(`the ${client} SDK lists them`, names.length === count, names);
    const answer = await other.ask({ do: 'call', tool: name, arguments: values });
    check(`and calls ${name}`, answer.event === 'call' && !answer.isError && answer.text.length > 0, answer);
    await other.end();
  }
  check('the server ends cleanly', (await house.close()) === 0, house.child.told());
  await child.stop();
  rmSync(place, { recursive: true, force: true });
}

for (const document of DOCUMENTS) await story(document.file, () => walk(document));

await story('one command', async () => {
  const { child, url } = await api(join(ROOT, 'tests/openapi/petstore.yaml'));
  const house = await serve(['--openapi', join(ROOT, 'tests/openapi/petstore.yaml'), url], { options: APPROVE });
  const peer = new Peer('Python', house.resource);
  await peer.event('ready');
  const { names = [] } = await peer.ask({ do: 'tools' });
  const kept = names.length > 10 && !names.includes('deletePet');
  check('what reads and what writes is listed, what deletes waits for its scope', kept, names);
  const answer = await peer.ask({ do: 'call', tool: 'getInventory', arguments: {} });
  check('a tool answers', answer.event === 'call' && answer.text.length > 0, answer);
  await peer.end();
  await house.close();
  await child.stop();
});

close();
