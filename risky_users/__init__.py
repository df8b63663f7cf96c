"""The administrator's commands. `check` and `plan` only read; `sync` does what the Worker does in a minute.

They use the Worker's own modules, which import one another by flat names, as Cloudflare's runtime has them. In a clone these lie in src/,
which is on the path there; installed, they lie in `_worker` beside this file, where no other package's `plan` or `log` gets in the way.
"""

import sys
from pathlib import Path

_WORKER = Path(__file__).with_name("_worker")
if _WORKER.is_dir():
    sys.path.insert(0, str(_WORKER))
