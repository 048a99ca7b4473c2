"""A process that serves: its socket, its log, its first question and its end."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from index.errors import UsageError, VerbatimError
from server.terminal import say

if TYPE_CHECKING:
    import socket

    from qa.archive import Archive


def listen(host: str, port: int) -> "socket.socket":
    """
    Raises:
        UsageError: the port is taken, or the address is not this machine's.
    """
    import errno
    import socket

    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = port % 65535 + 1
            raise UsageError(f"port {port} is in use; take another with: verbatim serve --port {other}") from error
        raise UsageError(f"cannot listen on {host}, port {port} ({error.strerror}); try --host 127.0.0.1") from error


def address_of(listener: "socket.socket") -> str:
    host, port = listener.getsockname()[:2]
    host = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}"


def start_log(level: str) -> None:
    """This program's own lines from ``level`` on, of libraries only warnings, to standard error."""
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("verbatim").setLevel(level.upper())


def run_until_stopped(run: Callable[[], None]) -> int:
    """The exit status after ``run``, which Ctrl-C ends."""
    try:
        run()
    except KeyboardInterrupt:
        say("stopped")
        return 130
    return 0


def leave(status: int) -> NoReturn:
    """Ends the process at once: a thread still inside a model's native code makes Python's own way out abort."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def warm_up(archive: "Archive") -> None:
    """Asks a follow-up, so that a person's first ones find all loaded, and the first page something to offer."""
    import logging

    from qa.assistant import Request
    from qa.conversation import Turn

    try:
        archive.ask(Request("Why?", (Turn("What happened?"),)))
        archive.suggestions()
    except VerbatimError as error:
        logging.getLogger("verbatim").warning("%s", error)
