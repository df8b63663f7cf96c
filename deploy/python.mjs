import { readdirSync } from "node:fs";
import path from "node:path";
import { run } from "./run.mjs";

/** As the project asks for in pyproject.toml. */
export const OLDEST_PYTHON = "3.11";

const NAME = /^python(?:3(?:\.\d+)?)?(?:\.exe|\.bat|\.cmd)?$/i;
const PROBE = "import sys, importlib.util as i; print(*sys.version_info[:3], bool(i.find_spec('pip')))";

/**
 * The Python to fetch with: of those on PATH the first that is new enough and has pip. `command` is absent where there is none, and then
 * the rest says what there is instead: `withoutPip` and `old` hold `{ command, version }`, `stub` is Windows' pointer to its Store.
 */
export async function findPython(signal) {
  const found = { withoutPip: [], old: [], stub: false };
  for (const command of candidates()) {
    const { status, printed } = await run([...command, "-c", PROBE], { signal, longest: 20_000 });
    const [, ...told] = /^(\d+) (\d+) (\d+) (True|False)\s*$/m.exec(printed) ?? [];
    const version = told.slice(0, 3).join(".");
    if (status !== 0 || !version) {
      found.stub ||= /Microsoft Store/i.test(printed);
    } else if (isOld(version)) {
      found.old.push({ command, version });
    } else if (told[3] === "False") {
      found.withoutPip.push({ command, version });
    } else {
      return { ...found, command, version };
    }
  }
  return found;
}

/** Whatever is called Python in the folders of PATH: python3 and python before python3.14 and older; on Windows the launcher as well. */
function* candidates() {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter(path.isAbsolute);
  const names = folders.flatMap((folder) => namesIn(folder).map((name) => ({ folder, name })));
  const minor = ({ name }) => Number(/3\.(\d+)/.exec(name)?.[1] ?? 99);
  for (const { folder, name } of names.sort((one, other) => minor(other) - minor(one))) yield [path.join(folder, name)];
  if (process.platform === "win32") yield ["py.exe", "-3"];
}

function namesIn(folder) {
  try {
    const names = readdirSync(folder).filter((name) => NAME.test(name) && (process.platform === "win32") === /\.\w{3}$/.test(name));
    return names.sort((one, other) => other.localeCompare(one)); // python3 before python
  } catch {
    return []; // PATH may name what is not there
  }
}

function isOld(version) {
  const [major, minor] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_PYTHON.split(".").map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
