"""Models run without anything being told to anyone."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_loading_the_library_reports_to_nobody():
    """Its telemetry would send an event for each import, from a process that it forks."""
    code = (
        "import sys; from index.runtime import precision; precision(); "
        "print(*(name for name, module in sys.modules.items() if module and name.startswith('openvino_telemetry')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
