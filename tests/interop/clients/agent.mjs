// An agent that several people let act for them: one process, one name, and the
// official TypeScript SDK for the calls. It trades what an app hands it for a
// token of its own (RFC 8693) and holds nothing else.
//
//   AGENT_SECRET=… node agent.mjs ORIGIN NAME SERVER
//
// Prints `ready`; then each line on stdin is one command, answered by one line:
//   {"id":…,"do":"begin","person":…,"token":…}   the token that an app was given for this agent
//   {"id":…,"do":"call","person":…,"tool":…}
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { exchange } from '../stage/chain.mjs';

const [origin, name, server] = process.argv.slice(2);
const people = new Map();

const commands = {
  async begin({ person, token }) {
    const obtained = await exchange(origin, [name, process.env.AGENT_SECRET], token, server);
    if (!obtained.access_token) throw new Error(JSON.stringify(obtained));
    const told = { statuses: [] };
    const watched = async (input, init) => {
      const answer = await fetch(input, init);
      told.statuses.push(answer.status);
      return answer;
    };
    const requestInit = { headers: { authorization: `Bearer ${obtained.access_token}` } };
    told.client = new Client({ name, version: '1.0.0' });
    await told.client.connect(new StreamableHTTPClientTransport(new URL(`/mcp/${server}`, origin), { requestInit, fetch: watched }));
    people.set(person, told);
    return { claims: JSON.parse(Buffer.from(obtained.access_token.split('.')[1], 'base64url')) };
  },
  async call({ person, tool, arguments: values }) {
    const told = people.get(person);
    told.statuses = [];
    const result = await told.client.callTool({ name: tool, arguments: values ?? {} });
    return { result, isError: result.isError ?? false, text: result.content[0]?.text };
  },
};

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const answer = { id: command.id };
  try {
    Object.assign(answer, await commands[command.do](command));
  } catch (reason) {
    Object.assign(answer, { reason: String(reason.message ?? reason), status: people.get(command.person)?.statuses.at(-1) });
  }
  console.log(JSON.stringify(answer));
}
process.exit();
