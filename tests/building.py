"""The process that builds for a server, with models whose output can be worked out by hand.

    python -m tests.building [slow|hang|crash]

``slow`` takes a tenth of a second for each passage; ``hang`` never ends, not even when it is told to, once it embeds;
``crash`` ends itself then, as a process does that the system ends.
"""

import os
import signal
import sys
import time

import index.embedder
import qa.reader
from server import child
from server.listening import leave
from tests.fakes import BagOfWords, PhraseReader

COMMAND = (sys.executable, "-m", "tests.building")


class Embedder(BagOfWords):
    """Goes wrong in the way that the command names."""

    def embed(self, texts):
        how = sys.argv[1] if len(sys.argv) > 1 else ""
        if how == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(3600)
        if how == "slow":
            time.sleep(0.1 * len(texts))
        return super().embed(texts)


class Reader(PhraseReader):
    settings = {"confidence": {"ranking": {"span": 1.0}, "weights": {"rank": 1.0}, "threshold": 0.5}}

    def __init__(self):
        super().__init__({"212 million euros": 3.0, "noon": 1.0})


if __name__ == "__main__":
    index.embedder.load_embedder = lambda *_: Embedder()
    qa.reader.load_reader = lambda *_: Reader()
    leave(child.main())
