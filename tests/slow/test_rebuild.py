"""A running server is given its articles over HTTP and answers from them, with the shipped models."""

import json
import time
import urllib.request

import pytest

from tests.slow.test_command import COST, COST_ANSWER, SAMPLES, Terminal

pytestmark = pytest.mark.slow


def fetch(url: str, body: bytes | None = None, kind: str = "application/json") -> dict:
    request = urllib.request.Request(url, body, {"Content-Type": kind} if body is not None else {})
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def test_from_nothing_to_an_answer(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.env |= {"VERBATIM_DATA": str(tmp_path / "data"), "VERBATIM_ARTICLE_FOLDERS": str(SAMPLES)}
    with terminal.serve() as (_, address):
        uid = fetch(f"{address}/index/rebuild", json.dumps({"paths": [str(SAMPLES)]}).encode())["uid"]
        while (task := fetch(f"{address}/index/tasks/{uid}"))["state"] in ("enqueued", "processing"):
            time.sleep(0.2)
        assert (task["state"], task["error"]) == ("succeeded", None)
        assert task["counts"]["articles"] == task["counts"]["added"] > 0
        asked = fetch(f"{address}/ask", json.dumps({"question": COST, "abstain": False}).encode())
        assert asked["answers"][0]["text"] == COST_ANSWER
        assert asked["index"]["generation"] == task["generation"]
