// For each port named: itself where nothing listens on it, else a free one.
//   node ports.ts PORT…
import { once } from 'node:events';
import { createServer } from 'node:net';

async function free(port: number, hosts: string[]): Promise<boolean> {
  for (const host of hosts) {
    const server = createServer();
    const taken = new Promise((resolve) => server.once('error', resolve));
    server.listen(port, host);
    const error = (await Promise.race([once(server, 'listening'), taken])) as NodeJS.ErrnoException;
    if (error?.code === 'EADDRINUSE') return false;
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
  return true;
}

const taken = new Set<number>();
for (const wanted of process.argv.slice(2).map(Number)) {
  let port = wanted;
  while (taken.has(port) || !(await free(port, ['127.0.0.1', '::1']))) port += 100;
  taken.add(port);
  console.log(port);
}
