"""Runs all scenarios of one subject and prints a line of JSON for each: `python run.py SUBJECT FOLDER`."""

import importlib
import json
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(subject: str, folder: str) -> None:
    sys.path.insert(0, str(HERE))
    import huggingface_hub
    from world import World

    line = huggingface_hub.__version__.split(".", 1)[0]
    module = importlib.import_module(subject)
    for name, scenario in list(vars(module).items()):
        if not hasattr(scenario, "methods") or (scenario.only and scenario.only != f"{line}.x"):
            continue
        home = Path(folder) / name
        home.mkdir(parents=True)
        started, error = time.monotonic(), ""
        try:
            scenario(World(home))
        except BaseException:  # noqa: BLE001 - whatever ends a scenario is its result.
            error = traceback.format_exc()
        print(json.dumps({"name": name, "error": error, "seconds": time.monotonic() - started}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
