// The ledger: an API that nobody stands in front of. It verifies each token itself and answers with what it saw in it.
import { Refused, body, place, serve, verified } from './hop.ts';

const HERE = place('LEDGER');
const entries = [
  { what: 'garden', amount: 420 },
  { what: 'roof', amount: 1310 },
  { what: 'party', amount: 95 },
];

serve(HERE, async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', HERE);
  if (pathname === '/health') return void response.end();
  const [, hop] = await verified('ledger', HERE, request);
  const needs = request.method === 'POST' ? 'ledger:write' : 'ledger:read';
  if (!hop.scope.split(' ').includes(needs)) throw new Refused(403, `this needs ${needs}`);
  if (request.method === 'POST') {
    const { what, amount } = await body(request);
    entries.push({ what: String(what), amount: Number(amount) });
  }
  const wanted = pathname.slice(1);
  const found = entries.filter(({ what }) => wanted === '' || what === wanted);
  const total = found.reduce((sum, { amount }) => sum + amount, 0);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ total, hop }));
});
