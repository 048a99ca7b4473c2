"""What every worker does alike: read the work, time the build and each question, write what came of it.

Imported by workers that run in environments without this project, so the standard library is all it uses.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

WARM_UP = 3


def work(build: Callable[[dict], Callable[[str], str]], packages: tuple[str, ...]) -> None:
    """Runs a worker: ``python worker.py IN.json OUT.json``.

    ``build`` gets the work, indexes its passages and returns a function from a question to the first answer, ""
    for none. Memory is the most that the process held.
    """
    task: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    began = time.perf_counter()
    answer = build(task)
    built = time.perf_counter() - began
    after_build = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for question in task["questions"][:WARM_UP]:
        answer(question)
    answers, seconds = [], []
    for question in task["questions"]:
        asked = time.perf_counter()
        answers.append(answer(question))
        seconds.append(time.perf_counter() - asked)
    result = {
        "answers": answers,
        "seconds": seconds,
        "build_seconds": built,
        "build_mib": after_build,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {name: version(name) for name in packages},
    }
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")
