/** What keeps the Worker from being deployed, in a sentence that says what to do. */
export class Trouble extends Error {}

/** Ends the program with status 1 and the trouble in one piece, since wrangler puts its own words before each; what was not foreseen has a traceback. */
export function complain(error) {
  process.stderr.write(`${told(error)}\n`);
  process.exitCode = 1;
}

function told(error) {
  if (error instanceof Trouble) return error.message;
  if (error.syscall) return `A file of the project could not be read or written: ${error.message}`;
  return `This was not foreseen: ${error.stack ?? error}`;
}
