// A browser without a person: follows the redirects of a login that approves
// itself (--dev-approve), keeping cookies, up to the client's callback.

const MOST_HOPS = 10;

/** Follows `start` until a redirect points at `redirectUrl`; returns that URL, unvisited. */
export async function followToCallback(start, redirectUrl) {
  const jar = new Map();
  let here = new URL(start);
  for (let hop = 0; hop < MOST_HOPS; hop += 1) {
    const answer = await fetch(here, { redirect: 'manual', headers: cookieHeader(jar) });
    await answer.body?.cancel();
    answer.headers.getSetCookie().forEach((line) => keep(jar, line));
    const location = answer.headers.get('location');
    if (!location) throw new Error(`login stopped at ${here.pathname} with ${answer.status}`);
    here = new URL(location, here);
    if (here.href.startsWith(redirectUrl)) return here;
  }
  throw new Error('login went in circles');
}

function cookieHeader(jar) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  return cookie ? { cookie } : {};
}

function keep(jar, line) {
  const [pair] = line.split(';');
  const equals = pair.indexOf('=');
  jar.set(pair.slice(0, equals), pair.slice(equals + 1));
}
