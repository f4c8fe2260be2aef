// Alice, without a browser: signs in, as --dev-approve lets her, asks, and prints the answer.
import { place, lines, type Line } from './hop.ts';

/** Follows redirects as a browser without a person would, with its cookies, until a page is shown or `until` says so. */
export async function visit(start: string, jar: Map<string, string>, until = (_: URL) => false): Promise<URL> {
  let here = new URL(start);
  for (let hop = 0; hop < 12; hop += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(here, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split('=');
      jar.set(name, value);
    }
    const location = answer.headers.get('location');
    if (!location && answer.ok) return here;
    if (!location) throw new Error(`${here.origin}${here.pathname} answers ${answer.status}: ${await answer.text()}`);
    here = new URL(location, here);
    if (until(here)) return here;
  }
  throw new Error('the login goes in circles');
}

/** Signs in to the app; its cookies are the session. */
export async function signIn(): Promise<Map<string, string>> {
  const jar = new Map<string, string>();
  await visit(`${place('WEB')}/login`, jar);
  return jar;
}

/** Asks, and hands over each line as it arrives. */
export async function ask(jar: Map<string, string>, topics: string[], hear: (line: Line) => unknown): Promise<Line[]> {
  const headers = { 'content-type': 'application/json', cookie: `visit=${jar.get('visit')}` };
  const answer = await fetch(`${place('WEB')}/ask`, { method: 'POST', headers, body: JSON.stringify({ topics }) });
  if (!answer.ok) throw new Error(`the app answers ${answer.status}: ${await answer.text()}`);
  const heard: Line[] = [];
  for await (const line of lines(answer)) {
    heard.push(line);
    await hear(line);
  }
  return heard;
}

if (process.argv[1] === import.meta.filename) {
  const jar = await signIn();
  const heard = await ask(jar, ['garden', 'roof', 'party'], () => undefined);
  console.log('\nThe answer');
  for (const { who, says } of heard) console.log(`  ${`${who}:`.padEnd(14)}${says}`);
  console.log(`\ngrant ${heard[0].hop!.grant}`);
  if (heard.some(({ refused }) => refused)) process.exit(1);
}
