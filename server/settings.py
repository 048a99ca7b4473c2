"""Every setting, and the only place that reads the environment."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from index.errors import UsageError

PREFIX = "VERBATIM_"
LOG_LEVELS = ("debug", "info", "warning", "error")


def _told(parse: Callable[[str], Any], expects: str, doc: str) -> dict[str, Any]:
    return {"parse": parse, "expects": expects, "doc": doc}


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not lowest <= number <= highest:
            raise ValueError(text)
        return number

    return parse


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:  # also false for "nan"
        raise ValueError(text)
    return number


def _words(text: str) -> str:
    if not text.strip():
        raise ValueError(text)
    return text.strip()


def _folder(text: str) -> Path:
    return Path(_words(text)).expanduser()


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(part.strip()).expanduser() for part in text.split(os.pathsep) if part.strip())


def _secret(text: str) -> str:
    if not re.fullmatch(r"[!-~]{16,500}", text.strip()):
        raise ValueError("not shown")
    return text.strip()


def _switch(text: str) -> bool:
    if text.strip().lower() not in ("on", "off"):
        raise ValueError(text)
    return text.strip().lower() == "on"


def _level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError(text)
    return text.lower()


def _names(text: str) -> tuple[str, ...]:
    return tuple(_name(name.strip().lower()) for name in text.split(",") if name.strip())


def _name(host: str) -> str:
    """``host`` as the Host header has it, without a port and the dot of a full name."""
    if host.count(":") > 1 and not host.startswith("["):
        return f"[{host}]"  # an address of IPv6
    end = host.find("]") + 1
    return host[:end] + host[end:].partition(":")[0].rstrip(".")


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process was told to run. ``None`` stands for what is shipped."""

    index: Path = field(default=Path("verbatim-index"), metadata=_told(_folder, "a folder", "Where the index is kept."))
    host: str = field(default="127.0.0.1", metadata=_told(_words, "a host name or an address", "Address to listen on."))
    port: int = field(
        default=8000,
        metadata=_told(_whole(0, 65535), "a number from 0 to 65535", "Port to listen on; 0 takes any free one."),
    )
    model: str = field(
        default="all-MiniLM-L6-v2",
        metadata=_told(
            _words,
            "a model's name or folder",
            "The embedding model: the shipped one, or the folder of any sentence-transformers model.",
        ),
    )
    reader: Path | None = field(
        default=None,
        metadata=_told(_folder, "a folder", "Folder of another span reader; empty takes the shipped one."),
    )
    threshold: float | None = field(
        default=None,
        metadata=_told(
            _share,
            "a number from 0 to 1",
            "Confidence, 0 to 1, below which the archive is said not to answer; empty takes the reader's own.",
        ),
    )
    threads: int = field(
        default=2,
        metadata=_told(
            _whole(1, 1024),
            "a number from 1 to 1024",
            "Processor threads that a build may use, and that the reader uses while serving.",
        ),
    )
    cache: Path = field(
        default=Path("~/.cache/verbatim"),
        metadata=_told(
            _folder,
            "a folder",
            "Where models prepared for this machine are kept; if `XDG_CACHE_HOME` is set, its folder `verbatim`.",
        ),
    )
    log_level: str = field(
        default="info", metadata=_told(_level, f"one of {', '.join(LOG_LEVELS)}", "How much is logged.")
    )
    generations: int = field(
        default=3,
        metadata=_told(
            _whole(1, 1000),
            "a number from 1 to 1000",
            "States of the index that are kept, the one in use included: those that `verbatim rollback` goes back to.",
        ),
    )
    at_once: int = field(
        default=2, metadata=_told(_whole(1, 256), "a number from 1 to 256", "Questions answered at the same time.")
    )
    waiting: int = field(
        default=32,
        metadata=_told(
            _whole(0, 10_000),
            "a number from 0 to 10000",
            "Questions that may wait; more are told to come back later.",
        ),
    )
    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata=_told(
            _names,
            "host names with commas between",
            "Host names under which the server may be reached; empty: this machine's own names when it listens on "
            "a loopback address, else any.",
        ),
    )
    data: Path = field(
        default=Path("~/.local/share/verbatim"),
        metadata=_told(
            _folder,
            "a folder",
            "Where the server keeps what is a person's own: conversations, feedback, uploaded articles, tasks and the "
            "token; if `XDG_DATA_HOME` is set, its folder `verbatim`.",
        ),
    )
    keep: bool = field(
        default=True,
        metadata=_told(
            _switch,
            "on or off",
            "Whether conversations and feedback are kept on disk (`on` or `off`); if not, they are forgotten when the "
            "server stops.",
        ),
    )
    article_folders: tuple[Path, ...] = field(
        default=(),
        metadata=_told(
            _folders,
            "folders with a colon between (a semicolon on Windows)",
            "Folders from which the server may be told to index; empty: only what was uploaded and what the index "
            "was built from.",
        ),
    )
    upload_megabytes: int = field(
        default=64,
        metadata=_told(_whole(1, 100_000), "a number from 1 to 100000", "Megabytes that one upload may bring."),
    )
    upload_files: int = field(
        default=500,
        metadata=_told(_whole(1, 10_000), "a number from 1 to 10000", "Files that one upload may bring."),
    )
    token: str | None = field(
        default=None,
        repr=False,
        metadata=_told(
            _secret,
            "16 to 500 letters, digits and signs without spaces",
            "The token without which nothing is changed; empty: none is asked for on a loopback address, elsewhere "
            "one is made and kept in the file `token` of the folder `VERBATIM_DATA`.",
        ),
    )

    def __post_init__(self) -> None:
        for name in ("cache", "data"):
            object.__setattr__(self, name, getattr(self, name).expanduser())

    @property
    def local(self) -> bool:
        """Whether only this machine can reach what listens on ``host``."""
        host = self.host.strip("[]").lower()
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @classmethod
    def from_environment(
        cls, overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
    ) -> "Settings":
        """Defaults, then ``VERBATIM_...`` variables, then ``overrides`` by field name (``None`` is no override).

        An empty variable counts as not set.

        Raises:
            UsageError: a ``VERBATIM_`` variable that does not exist or holds nonsense.
        """
        environment = os.environ if environment is None else environment
        known = {variable(each.name): each for each in fields(cls)}
        values: dict[str, Any] = {}
        if environment.get("XDG_CACHE_HOME"):
            values["cache"] = Path(environment["XDG_CACHE_HOME"]) / "verbatim"
        if environment.get("XDG_DATA_HOME"):
            values["data"] = Path(environment["XDG_DATA_HOME"]) / "verbatim"
        for name in sorted(name for name in environment if name.startswith(PREFIX)):
            if name not in known:
                raise UsageError(_misspelt(name, list(known)))
            if environment[name].strip():
                values[known[name].name] = _parse(name, environment[name], known[name].metadata)
        return cls(**values | {name: value for name, value in (overrides or {}).items() if value is not None})


def variable(name: str) -> str:
    """The environment variable of a setting: ``log_level`` is ``VERBATIM_LOG_LEVEL``."""
    return PREFIX + name.upper()


def settings_table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| variable | default | what it sets |", "|---|---|---|"]
    for each in fields(Settings):
        default = "" if each.default in (None, ()) else f"`{'on' if each.default is True else each.default}`"
        rows.append(f"| `{variable(each.name)}` | {default} | {each.metadata['doc']} |")
    return "\n".join(rows)


def _parse(name: str, text: str, metadata: Mapping[str, Any]) -> Any:
    try:
        return metadata["parse"](text)
    except ValueError as error:
        given = "there" if metadata["parse"] is _secret else repr(text)  # a token is not shown, not even a wrong one
        raise UsageError(f"{name} is {given} but must be {metadata['expects']}; set it anew or unset it") from error


def _misspelt(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return f"there is no setting {name}; the nearest is {nearest}: rename it or unset it"
