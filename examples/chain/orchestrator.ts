// The orchestrator: answers Alice's question. It reads and writes the ledger itself and lets the researcher do the reading.
// It holds no credential of Alice's but the one token that it is handed with each question.
import * as hop from './hop.ts';

const HERE = hop.place('ORCHESTRATOR');
const [LEDGER, RESEARCHER] = [hop.place('LEDGER'), hop.place('RESEARCHER')];
const me = await hop.agent('orchestrator', hop.place('ORCHESTRATOR_KEY'));

/** Asks the ledger with a token that only the ledger takes. */
async function ledger(token: string, scope: string, entry?: object): Promise<hop.Line> {
  const next = await hop.exchange(me, token, LEDGER, { scope });
  const headers = { authorization: `Bearer ${next}` };
  const how = entry ? { method: 'POST', headers, body: JSON.stringify(entry) } : { headers };
  const answer = await fetch(LEDGER, how);
  const { total, hop: seen } = (await answer.json()) as { total: number; hop: hop.Hop };
  const says = entry ? `entered the work into the books, which now hold ${total}` : `the books hold ${total}`;
  return { who: 'orchestrator', says, hop: seen };
}

/** Lets the researcher look, and passes on what it says. */
async function research(token: string, topics: string[], say: (line: hop.Line) => void): Promise<void> {
  const next = await hop.exchange(me, token, RESEARCHER);
  const headers = { authorization: `Bearer ${next}`, 'content-type': 'application/json' };
  const answer = await fetch(`${RESEARCHER}/research`, { method: 'POST', headers, body: JSON.stringify({ topics }) });
  if (!answer.ok) throw new hop.Refused(answer.status, `the researcher answers ${answer.status}`);
  for await (const line of hop.lines(answer)) say(line);
}

hop.serve(HERE, async (request, response) => {
  if (request.url === '/health') return void response.end();
  const [token, seen] = await hop.verified('orchestrator', HERE, request);
  const { topics } = await hop.body(request);
  const say = hop.speak(response);
  say({ who: 'orchestrator', says: `Alice asks what ${topics.join(', ')} cost`, hop: seen });
  const attempt = async (work: () => Promise<void>) => {
    await work().catch((reason) => {
      const why = reason.error_description ?? reason.error ?? reason.message;
      say({ who: 'orchestrator', says: `refused: ${why}`, refused: reason.status ?? 502 });
    });
  };
  await attempt(async () => say(await ledger(token, 'ledger:read')));
  await attempt(() => research(token, topics, say));
  await attempt(async () => say(await ledger(token, 'ledger:read ledger:write', { what: 'research', amount: 5 })));
  response.end();
});
