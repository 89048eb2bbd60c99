"""Runs the public harness on local tasks, in its own environment. Used by tests and by `scripts/bench`.

Called as a program: `python harness.py JOB.json` with `model`, `tasks` (a folder of YAML and JSONL), `names`,
`batch_size`, `threads` and `out`. Writes the harness' results, its samples, and the seconds of scoring alone.
"""

import json
import os
import sys
import time
from pathlib import Path


def run(job):
    import torch
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    class Timed(HFLM):
        """Counts the seconds of scoring alone, without reading tasks and counting results."""

        wall = cpu = 0.0

        def loglikelihood(self, requests, **named):
            return self._timed(super().loglikelihood, requests, named)

        def loglikelihood_rolling(self, requests, **named):
            return self._timed(super().loglikelihood_rolling, requests, named)

        def _timed(self, call, requests, named):
            began, before = time.perf_counter(), time.process_time()
            found = call(requests, **named)
            self.wall += time.perf_counter() - began
            self.cpu += time.process_time() - before
            return found

    torch.set_num_threads(job["threads"])
    model = Timed(pretrained=job["model"], device="cpu", dtype="float32", batch_size=job["batch_size"])
    manager = TaskManager(include_path=job["tasks"], include_defaults=False)
    seconds, results, samples = {}, {}, {}
    for name in job["names"]:
        model.wall = model.cpu = 0.0
        found = simple_evaluate(
            model=model, tasks=[name], task_manager=manager, log_samples=True, bootstrap_iters=0, verbosity="ERROR"
        )
        seconds[name] = {"wall": model.wall, "cpu": model.cpu}
        results |= found["results"]
        samples |= {name: [_plain(sample) for sample in found["samples"][name]]}
    return {"results": results, "samples": samples, "seconds": seconds}


def _plain(sample):
    return {"id": sample["doc"].get("id"), "resps": sample["filtered_resps"]}


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text())
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    Path(asked["out"]).write_text(json.dumps(run(asked), default=str))
