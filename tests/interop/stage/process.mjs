// Processes of a run: each is ended by its own id when the run ends, however it
// ends, and what it printed is at hand when something went wrong.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const running = new Set();
const PATIENCE = 60_000;

/** A child process whose stdout is read line by line. */
export class Child {
  #lines = [];
  #waiting = new Set();
  #stderr = [];
  #ended;

  constructor(name, [program, ...parameters], { cwd, env } = {}) {
    this.name = name;
    this.process = spawn(program, parameters, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
    running.add(this);
    createInterface({ input: this.process.stdout }).on('line', (line) => this.#arrive(line));
    createInterface({ input: this.process.stderr }).on('line', (line) => this.#stderr.push(line));
    this.#ended = new Promise((resolve) => {
      this.process.on('error', (reason) => resolve(reason.message));
      this.process.on('close', (code, signal) => resolve(code ?? signal));
    }).then((code) => {
      running.delete(this);
      this.#waiting.forEach((waiting) => waiting.fail(`ended with ${code}`));
      return code;
    });
  }

  /** The first line, already printed or yet to come, that `matches` makes something of. */
  line(matches, { patience = PATIENCE, what = 'a line' } = {}) {
    for (const line of this.#lines) {
      const found = matches(line);
      if (found) return Promise.resolve(found);
    }
    return new Promise((resolve, reject) => {
      const settle = (act) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        act(value);
      };
      const fail = settle((why) => reject(new Error(`${this.name}: no ${what}: ${why}\n${this.told()}`)));
      const waiting = { matches, found: settle(resolve), fail };
      const timer = setTimeout(() => fail(`waited ${patience} ms`), patience);
      this.#waiting.add(waiting);
    });
  }

  /** Writes one line to the child's stdin. */
  tell(line) {
    this.process.stdin.write(`${line}\n`);
  }

  /** Waits until it has ended; answers with its exit code or signal. */
  ended() {
    return this.#ended;
  }

  /** Asks it to end and waits until it has; insists after ten seconds. */
  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.#ended;
    this.process.kill('SIGTERM');
    const insist = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
    const code = await this.#ended;
    clearTimeout(insist);
    return code;
  }

  /** The last lines it printed, for a person to read. */
  told() {
    return [...this.#lines.slice(-15), ...this.#stderr.slice(-15)].map((line) => `    ${line}`).join('\n');
  }

  /** Everything it printed. */
  everything() {
    return [...this.#lines, ...this.#stderr].join('\n');
  }

  #arrive(line) {
    this.#lines.push(line);
    for (const waiting of [...this.#waiting]) {
      const found = waiting.matches(line);
      if (found) waiting.found(found);
    }
  }
}

process.on('exit', () => running.forEach((child) => child.process.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** A port that nothing listens on at the moment. */
export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
