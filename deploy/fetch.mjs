import { existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { OLDEST_PYTHON, findPython } from "./python.mjs";
import { run } from "./run.mjs";
import { Trouble } from "./trouble.mjs";

const GET_PYTHON = `install Python ${OLDEST_PYTHON} or newer (https://www.python.org/downloads/) or uv (https://docs.astral.sh/uv/)`;
const WRONG_DIGEST = /DO NOT MATCH THE HASHES|Hash mismatch/; // pip's words, and uv's
const OF_THE_INDEX = /INDEX|LINKS|HOST|PROXY|CERT|TIMEOUT|RETRIES|CACHE|KEYRING|FEATURE|CONFIG_FILE/;

/**
 * Unpacks the wheels of the requirements below `place`, and gives the folder. pip fetches them, or else uv: they know a company's index, its
 * proxy and its certificates. Both hold a wheel against its digest, and one that differs is the end, without asking the other. Throws Trouble.
 */
export async function fetchPackages(requirements, packages, place, signal) {
  const python = await findPython(signal);
  const failed = [];
  for (const [tool, fetchWith] of [["pip", withPip], ["uv", withUv]]) {
    const folder = path.join(place, tool);
    const outcome = await fetchWith(python, requirements, place, folder, signal);
    if (outcome?.status === 0) return folder;
    if (outcome && WRONG_DIGEST.test(outcome.printed)) {
      throw new Trouble(
        `What the package index has for ${packages} is not the file whose digest deploy/requirements.txt holds, so nothing is deployed: find out ` +
          `who put it there.${quoted(outcome)}`,
      );
    }
    if (outcome) failed.push({ tool, ...outcome });
  }
  if (!failed.length) throw new Trouble(nothingToFetchWith(packages, python));
  throw new Trouble(
    `${packages}, without which the Worker would not start, could not be fetched with ${failed.map(({ tool }) => tool).join(" or ")}: see that the ` +
      `package index, the proxy and the certificates that it is configured for can be used.${failed.map(quoted).join("")}`,
  );
}

/** What became of it, undefined without pip. */
async function withPip({ command }, requirements, place, folder, signal) {
  if (!command) return undefined;
  const wheels = path.join(place, "wheels");
  // Nothing is installed, so how pip would is of no concern; and in the current folder `-m` would find modules of its own.
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("PIP_") || OF_THE_INDEX.test(name));
  const env = { PIP_RETRIES: "2", ...Object.fromEntries(kept), PIP_REQUIRE_VIRTUALENV: "0", PIP_NO_INPUT: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1" };
  const download = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", wheels, "-r", requirements];
  let outcome = await run([...command, "-m", "pip", ...download], { cwd: place, env, signal });
  mkdirSync(folder);
  for (const wheel of outcome.status === 0 ? readdirSync(wheels) : []) {
    outcome = await run([...command, "-m", "zipfile", "-e", path.join(wheels, wheel), folder], { cwd: place, env, signal });
    if (outcome.status !== 0) break;
  }
  return outcome;
}

/** The same with uv, which brings a Python along where there is none. */
async function withUv({ withoutPip }, requirements, place, folder, signal) {
  const makes = path.join(path.dirname(import.meta.dirname), ".tools", "bin", "uv");
  const env = { UV_SYSTEM_CERTS: "true", UV_HTTP_RETRIES: "2", ...process.env };
  const python = withoutPip[0]?.command[0] ?? `>=${OLDEST_PYTHON}`;
  const checks = ["--no-deps", "--only-binary", ":all:", "--require-hashes"];
  const install = ["pip", "install", "--quiet", ...checks, "--python", python, "--link-mode", "copy", "--target", folder, "-r", requirements];
  for (const uv of existsSync(makes) ? ["uv", makes] : ["uv"]) {
    const outcome = await run([uv, ...install], { cwd: place, env, signal });
    if (outcome.status !== null) return outcome;
  }
  return undefined;
}

function nothingToFetchWith(packages, { withoutPip, old, stub }) {
  if (withoutPip.length) {
    const [{ command, version }] = withoutPip;
    return (
      `pip or uv is needed to fetch ${packages}, and ${command.join(" ")} (${version}) has no pip: install pip (python3-pip on Debian) or uv ` +
      "(https://docs.astral.sh/uv/)."
    );
  }
  const needed = `Python ${OLDEST_PYTHON} or newer, or uv, is needed to fetch ${packages}`;
  if (old.length) return `${needed}, and ${old[0].command.join(" ")} is ${old[0].version}: ${GET_PYTHON}; the old one may stay.`;
  if (stub) return `${needed}, and the python here only points to Microsoft's Store: ${GET_PYTHON}.`;
  return `${needed}, and neither is on PATH: ${GET_PYTHON}.`;
}

/** The end of what a tool printed, without repetitions, below our own sentence. */
function quoted({ printed }) {
  const lines = printed.split(/\r?\n/).map((line) => line.trim());
  return [...new Set(lines.filter(Boolean))].slice(-8).map((line) => `\n  ${line.slice(0, 300)}`).join("");
}
