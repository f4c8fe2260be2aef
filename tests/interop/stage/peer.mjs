// A foreign client as a conversation: events come as JSON lines, commands go the
// same way (see ../README.md).
import { join } from 'node:path';
import { Child } from './process.mjs';
import { INTEROP, NODE, PYTHON } from './house.mjs';

/** The clients that nobody here wrote. */
export const CLIENTS = {
  TypeScript: [NODE, join(INTEROP, 'clients/typescript.mjs')],
  Python: [PYTHON, join(INTEROP, 'clients/python.py')],
};

/** One foreign client, talking to one server. */
export class Peer {
  #child;

  constructor(name, resource, { browser = false, urls = false } = {}) {
    const modes = [...(browser ? ['--browser'] : []), ...(urls ? ['--urls'] : [])];
    const command = [...CLIENTS[name], resource, ...modes];
    this.name = name;
    this.shown = `Bailiwick interop (${name})`;
    this.#child = new Child(`${name} client`, command, { cwd: INTEROP });
  }

  /** Waits for an event by name; a client that failed says why instead. */
  async event(name) {
    const found = await this.#child.line((line) => {
      const event = JSON.parse(line);
      return [name, 'failed'].includes(event.event) && event;
    }, { what: `event ${name}` });
    if (found.event !== name) throw new Error(`${this.name} client failed: ${found.reason}`);
    return found;
  }

  /** Gives a command and waits for its answer, done or refused. */
  async ask(command) {
    const id = Peer.#next();
    this.#child.tell(JSON.stringify({ id, ...command }));
    return this.#child.line((line) => {
      const event = JSON.parse(line);
      return event.id === id && event;
    }, { what: `answer to ${command.do}` });
  }

  /** Closes its stdin, which ends it. */
  async end() {
    this.#child.process.stdin.end();
    return this.#child.ended();
  }

  /** Ends it in the middle of what it does. */
  stop() {
    return this.#child.stop();
  }

  static #last = 0;
  static #next() {
    Peer.#last += 1;
    return Peer.#last;
  }
}
