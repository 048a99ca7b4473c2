"""The README tells the truth: every setting and command stands in it, and every file that it points to is there."""

import re
from pathlib import Path

import pytest

from server.cli import main
from server.settings import settings_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_the_code_s_own():
    assert settings_table().strip() in README


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_named(command):
    assert re.search(rf"`(?:verbatim )?{command}\b", README)


@pytest.mark.parametrize(
    "option", sorted({o for c in main.commands.values() for p in c.params for o in p.opts if o.startswith("--")})
)
def test_every_option_is_named(option):
    assert f"{option}" in README


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:|#)([^)#]+)", README))
def test_every_link_leads_somewhere(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize("target", ["serve", "test"])
def test_the_two_commands_that_set_everything_up(target):
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
