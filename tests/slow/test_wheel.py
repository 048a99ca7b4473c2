"""What is installed is what is here: the wheel holds everything, and runs from anywhere."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.fakes import article, generation_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("index", "qa", "server")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without a network: hatchling is among the test requirements."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*build, "--wheel-dir", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands lie of a new environment that holds the wheel, and borrows what the wheel requires."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    borrowed = sysconfig.get_paths()
    lines = dict.fromkeys((borrowed["purelib"], borrowed["platlib"]))
    (Path(paths["purelib"]) / "borrowed.pth").write_text("\n".join(lines) + "\n")
    python = Path(paths["scripts"]) / "python"
    # Nothing that is installed where this runs is looked at, let alone replaced.
    options = ["--no-deps", "--no-index", "--ignore-installed"]
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(paths["scripts"])


def run(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and "VERBATIM" not in name}
    return subprocess.run([program, *words], cwd="/", env=env, capture_output=True, text=True)


def test_every_file_of_the_packages_is_in_it_and_nothing_else(wheel):
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    here = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert names == here
    assert {"server/templates/chat.html", "server/static/chat.js", "qa/models/reader/settings.json"} <= names


def test_licences_are_in_it(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = {Path(name).name for name in packed.namelist() if ".dist-info/" in name}
    assert {"LICENSE", "NOTICE"} <= names


def test_the_command_runs_from_the_root(scripts):
    shown = run(scripts / "verbatim", "--help")
    assert shown.returncode == 0, shown.stderr
    assert "Ask a collection of news articles" in shown.stdout
    assert run(scripts / "verbatim", "--version").stdout == f"verbatim, version {PROJECT['version']}\n"


def test_it_opens_an_index(scripts, tmp_path):
    folder = tmp_path / "index"
    generation_of(folder, [article("one", "Some text.")])
    told = run(scripts / "verbatim", "info", "--index", str(folder))
    assert told.returncode == 0, told.stderr
    assert "articles        1\n" in told.stdout
    refused = run(scripts / "verbatim", "info", "--index", str(tmp_path / "none"))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: there is no index in ")


def test_its_own_reader_loads(scripts):
    code = "import qa.reader; qa.reader.SpanReader(); print(qa.reader.SHIPPED)"
    loaded = run(scripts / "python", "-c", code)
    assert loaded.returncode == 0, loaded.stderr
    assert Path(loaded.stdout.strip()).is_relative_to(scripts.parent)
