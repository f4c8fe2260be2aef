// Looks for secrets where they must not be: as they are, in base64 wherever they
// begin in it, percent-encoded, and as JavaScript keeps text in memory.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Base64 of a text that may stand anywhere in what was encoded: only what does not depend on its neighbours. */
function insideBase64(secret) {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const whole = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** Every form of a secret that is looked for. */
export function forms(secret) {
  const percent = encodeURIComponent(secret);
  const texts = new Set([secret, percent, percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()), ...insideBase64(secret)]);
  return [...texts].flatMap((text) => [Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le')]);
}

/** Which of these secrets, by name, are in these bytes. */
export function leaks(secrets, bytes) {
  const found = new Set();
  for (const [name, secret] of secrets) {
    if (forms(secret).some((form) => bytes.includes(form))) found.add(name);
  }
  return found;
}

/** All memory that a process may write to, piece by piece. */
export function* memory(pid) {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').trimEnd().split('\n');
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of maps) {
      const [, from, to, rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line);
      if (!rights.startsWith('rw') || line.endsWith('[vvar]')) continue;
      const piece = read(file, parseInt(from, 16), parseInt(to, 16));
      if (piece.length > 0) yield piece;
    }
  } finally {
    closeSync(file);
  }
}

/** As much of that range as there is. */
function read(file, from, to) {
  const bytes = Buffer.allocUnsafe(to - from);
  let length = 0;
  try {
    for (let got = 1; got > 0 && length < bytes.length; length += got) {
      got = readSync(file, bytes, length, bytes.length - length, from + length);
    }
  } catch (reason) {
    if (!['EIO', 'EFAULT'].includes(reason.code)) throw reason;
  }
  return bytes.subarray(0, length);
}
