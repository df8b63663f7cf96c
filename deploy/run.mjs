import { spawn } from "node:child_process";

const LONGEST_MS = 120_000;

/**
 * Runs a program to its end. Gives its exit status (null where it could not be started or was stopped) and all it printed.
 * Throws the signal's reason once the program has ended, where the signal came meanwhile.
 */
export async function run([program, ...words], { cwd, env, signal, longest = LONGEST_MS }) {
  signal.throwIfAborted();
  // Windows runs .bat and .cmd files through its shell only; the words that are given to them here hold nothing that it would take apart.
  const shell = /\.(bat|cmd)$/i.test(program);
  const child = spawn(shell ? `"${program}"` : program, shell ? words.map((word) => `"${word}"`) : words, {
    cwd,
    env,
    shell,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stdout.on("data", (chunk) => (printed += chunk));
  child.stderr.on("data", (chunk) => (printed += chunk));
  const stop = () => child.kill();
  const patience = setTimeout(() => {
    printed += `\ngave up after ${longest / 1000} s`;
    stop();
  }, longest);
  signal.addEventListener("abort", stop, { once: true });
  const status = await new Promise((resolve) => {
    child.on("error", (error) => {
      printed += error.message;
      resolve(null);
    });
    child.on("close", resolve);
  });
  clearTimeout(patience);
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  return { status, printed };
}
