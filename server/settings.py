"""Every setting, and the only place that reads the environment."""

import difflib
import os
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "cache", self.cache.expanduser())

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
        default = "" if each.default in (None, ()) else f"`{each.default}`"
        rows.append(f"| `{variable(each.name)}` | {default} | {each.metadata['doc']} |")
    return "\n".join(rows)


def _parse(name: str, text: str, metadata: Mapping[str, Any]) -> Any:
    try:
        return metadata["parse"](text)
    except ValueError as error:
        raise UsageError(f"{name} is {text!r} but must be {metadata['expects']}; set it anew or unset it") from error


def _misspelt(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return f"there is no setting {name}; the nearest is {nearest}: rename it or unset it"
