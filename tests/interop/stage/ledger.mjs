// What a run found: each check is one line, the last line counts them.

let passed = 0;
let failed = 0;

/** Groups the checks that follow. */
export function chapter(title) {
  console.log(`\n${title}`);
}

/** One finding; `detail` is shown when it is not as it should be. */
export function check(says, holds, detail) {
  if (holds) {
    passed += 1;
    console.log(`  ok    ${says}`);
  } else {
    failed += 1;
    console.log(`  FAIL  ${says}${detail === undefined ? '' : `\n        ${shown(detail)}`}`);
  }
}

/** Runs one story; what it throws is one failed check, and the next story still runs. */
export async function story(title, tell) {
  chapter(title);
  try {
    await tell();
  } catch (reason) {
    check('the story comes to its end', false, reason.stack ?? reason);
  }
}

/** Prints the closing line and ends the process. */
export function close() {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

function shown(detail) {
  const text = typeof detail === 'string' ? detail : JSON.stringify(detail);
  return text.slice(0, 4000);
}
