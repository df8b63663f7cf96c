/** What keeps the Worker from being deployed, in a sentence that says what to do. */
export class Trouble extends Error {}

/** Ends the program with status 1 and the trouble, which needs no traceback; what was not foreseen has one. */
export function complain(error) {
  const told = error instanceof Trouble ? error.message : `This was not foreseen: ${error.stack ?? error}`;
  process.stderr.write(`${told}\n`); // in one piece, since wrangler puts its own words before each
  process.exitCode = 1;
}
