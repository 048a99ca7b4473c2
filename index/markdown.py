"""Markdown: one article, its title, date and the like in front matter."""

import re
from collections.abc import Mapping
from datetime import date

from index.markup import list_blocks

_TEXTS = frozenset({"text", "body", "content", "articlebody", "contenttext", "article"})
_HEADING = re.compile(r"\A\s*<h1>")


def read_markdown(text: str) -> dict[str, object]:
    """The fields of the article, as ``records.make_record`` takes them; ``text`` is what the rendered page shows.

    Raises ValueError when the front matter cannot be read.
    """
    import frontmatter
    import yaml
    from markdown_it import MarkdownIt

    try:
        given, body = frontmatter.parse(text)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark else ""
        raise ValueError(f"the front matter is no YAML{where}; mend it") from error
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(body)
    blocks = list(list_blocks(html))
    fields = {str(name): _plain(value) for name, value in given.items() if _key(name) not in _TEXTS}
    titled = next((value for name, value in fields.items() if _key(name) in ("title", "headline") and value), None)
    if blocks and _HEADING.match(html) and len(blocks) > 1 and titled in (None, blocks[0]):
        fields["title"] = blocks.pop(0)  # it is shown above the text
    return fields | {"text": "\n\n".join(blocks)}


def _key(name: object) -> str:
    return re.sub("[_-]", "", str(name)).lower()


def _plain(value: object) -> object:
    """What JSON has as well."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value[:100] if isinstance(item, (str, int, dict))]
    if isinstance(value, Mapping):
        return {"name": str(value.get("name", ""))}
    return value if isinstance(value, (str, int, float, bool)) else None
