import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync } from "node:fs";
import path from "node:path";
import { fetchPackages } from "./fetch.mjs";
import { digestOf, filesIn } from "./files.mjs";
import { Trouble } from "./trouble.mjs";

const LISTED = "deploy/python_modules.sha256";

/**
 * Makes python_modules hold exactly the files that deploy/python_modules.sha256 lists; instant and without a word where it does already.
 * Each file appears whole, and one that is right is never touched, so that two builds at once do not disturb each other. Throws Trouble.
 */
export async function provideSdk(root, signal) {
  const wanted = readListed(root);
  const modules = path.join(root, "python_modules");
  if (holdsExactly(modules, wanted)) return;
  await withSdk(root, signal, (fetched, packages) => {
    for (const [name, digest] of wanted) {
      if (digestOf(path.join(fetched, name)) === digest) continue;
      throw new Trouble(`${name} of ${packages} is not the file whose digest ${LISTED} holds, so nothing is deployed.`);
    }
    clear(modules, wanted);
    for (const [name, digest] of wanted) {
      const target = path.join(modules, name);
      if (digestOf(target) === digest) continue;
      mkdirSync(path.dirname(target), { recursive: true });
      renameSync(path.join(fetched, name), target);
    }
    console.log(`python_modules now holds ${packages}.`);
  });
}

/** Calls `use` with a folder that holds the SDK, all of it, and the packages' names; the folder is gone afterwards, come what may. */
export async function withSdk(root, signal, use) {
  const requirements = path.join(root, "deploy", "requirements.txt");
  const pinned = [...readFileSync(requirements, "utf8").matchAll(/^([\w.-]+)==([\w.]+)/gm)];
  const packages = pinned.map(([, name, version]) => `${name} ${version}`).join(", ");
  console.log(`Fetching ${packages} from the package index …`);
  const scratch = path.join(root, ".wrangler", "tmp"); // wrangler's own, on the same disk as python_modules
  mkdirSync(scratch, { recursive: true });
  const place = mkdtempSync(path.join(scratch, "sdk-"));
  try {
    use(await fetchPackages(requirements, packages, place, signal), packages);
  } finally {
    rmSync(place, { recursive: true, force: true, maxRetries: 3 });
  }
}

function readListed(root) {
  const lines = readFileSync(path.join(root, LISTED), "utf8").matchAll(/^([0-9a-f]{64}) {2}(\S+)\s*$/gm);
  return new Map([...lines].map(([, digest, name]) => [name, digest]));
}

function holdsExactly(folder, wanted) {
  const there = filesIn(folder);
  return there.length === wanted.size && there.every((name) => digestOf(path.join(folder, name)) === wanted.get(name));
}

/** Removes what is not wanted, and the folders that are empty then. */
function clear(folder, wanted) {
  for (const name of filesIn(folder)) {
    if (!wanted.has(name)) rmSync(path.join(folder, name), { force: true });
  }
  if (!existsSync(folder)) return;
  const folders = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const place of folders.map((entry) => path.join(entry.parentPath, entry.name)).sort().reverse()) {
    if (!readdirSync(place).length) rmdirSync(place);
  }
}
