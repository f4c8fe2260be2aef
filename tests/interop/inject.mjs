// Preloaded into the official suite, which cannot send a token to the server
// it tests: `node --import ./inject.mjs …` adds INJECT_AUTH as Authorization to
// every request that goes to INJECT_ORIGIN, and to no other.
import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';

const origin = new URL(process.env.INJECT_ORIGIN).origin;
const authorization = process.env.INJECT_AUTH;

// The global fetch, and undici from the registry. `request.origin` is where the
// request goes, whatever Host header a scenario sends on purpose.
subscribe('undici:request:create', ({ request }) => {
  if (new URL(request.origin).origin === origin) {
    request.addHeader('authorization', authorization);
  }
});

// node:http, for completeness: nothing in the suite spoofs a Host through it.
const send = http.request;
http.request = function (...parameters) {
  const outgoing = send.apply(this, parameters);
  if (`${outgoing.protocol}//${outgoing.getHeader('host')}` === origin) {
    outgoing.setHeader('authorization', authorization);
  }
  return outgoing;
};
syncBuiltinESMExports();
