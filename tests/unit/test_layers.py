"""The shape of the house: what may import what, and who alone knows what."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("index", "qa", "server")  # bottom first: each imports only what stands before it, and itself
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
# Slow to load or large: each known to these modules alone, and there only once it is needed.
HEAVY = {
    "faiss": {"index/dense.py"},
    "tantivy": {"index/lexical.py"},
    "openvino": {"index/runtime.py"},
    "tokenizers": {"index/embedder.py", "qa/followups.py", "qa/reader.py"},
    "torch": {"index/runtime.py", "index/embedder.py", "qa/reader.py"},
    "sentence_transformers": {"index/embedder.py"},
    "transformers": {"index/embedder.py", "qa/reader.py"},
    "huggingface_hub": {"index/embedder.py"},
    "trafilatura": {"index/webpages.py"},
    "lxml": {"index/webpages.py", "index/markup.py"},
    "feedparser": {"index/feeds.py"},
    "markdown_it": {"index/markdown.py"},
    "frontmatter": {"index/markdown.py"},
    "yaml": {"index/markdown.py"},
    "pypdfium2": {"index/pdfs.py"},
}
FILE_NAMES = (
    "CURRENT",
    "LOCK",
    "articles.sqlite",
    "embeddings.npy",
    "keys.npy",
    "days.npy",
    "vectors.faiss",
    "manifest.json",
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield node.module or ""


def imports_on_loading(tree: ast.Module) -> Iterator[str]:
    """What the module imports as soon as it is imported: not in functions, and not for type checkers alone."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from imports(node)
        else:
            waiting += ast.iter_child_nodes(node)


def top(module: str) -> str:
    return module.partition(".")[0]


def docstrings(tree: ast.Module) -> set[int]:
    """Identities of the constants that are docstrings."""
    bodies = [n.body for n in ast.walk(tree) if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


def strings(tree: ast.Module) -> Iterator[str]:
    """String constants other than docstrings, parts of f-strings included."""
    described = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


def each_module() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", MODULES, ids=name_of)


def test_there_is_something_to_look_at():
    assert {name_of(path) for path in MODULES} >= {"index/store.py", "qa/assistant.py", "server/settings.py"}


@each_module()
def test_imports_go_down(path):
    above = LAYERS[LAYERS.index(top(name_of(path).replace("/", "."))) + 1 :]
    assert not [module for module in imports(parse(path)) if top(module) in (*above, "tests", "bench", "training")]


@each_module()
def test_heavy_libraries_have_one_owner_each(path):
    used = {top(module) for module in imports(parse(path))} & HEAVY.keys()
    assert not {library for library in used if name_of(path) not in HEAVY[library]}


@each_module()
def test_heavy_libraries_are_loaded_when_needed(path):
    assert not {top(module) for module in imports_on_loading(parse(path))} & HEAVY.keys()


def test_owners_are_real():
    """A library that no owner imports any more should leave the list above."""
    used = {(top(module), name_of(path)) for path in MODULES for module in imports(parse(path))}
    assert not {(library, owner) for library, owners in HEAVY.items() for owner in owners} - used


@each_module()
def test_only_settings_read_the_environment(path):
    reads = {"environ", "environb", "getenv"}
    tree = parse(path)
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert name_of(path) == "server/settings.py" or not (attributes | names) & reads


@each_module()
def test_only_the_store_knows_its_file_names(path):
    if name_of(path) in ("index/store.py", "index/generation.py", "index/manifest.py"):
        return
    texts = list(strings(parse(path)))
    assert not [text for text in texts if text in FILE_NAMES or text.endswith(tuple(f"/{name}" for name in FILE_NAMES))]


@each_module()
def test_no_module_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@each_module()
def test_modules_are_subjects(path):
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}


@each_module()
def test_modules_are_described(path):
    tree = parse(path)
    assert not tree.body or ast.get_docstring(tree)


@each_module()
def test_functions_end(path):
    """Most are under 25 lines; none is a story of its own."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(parse(path)) if isinstance(node, kinds)]
    lengths = {function.name: function.end_lineno - function.body[0].lineno + 1 for function in functions}
    assert not {name: lines for name, lines in lengths.items() if lines > 60}


@each_module()
def test_travelling_dataclasses_are_frozen_and_slotted(path):
    if path.parent.name == "server":
        return
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                if "dataclass" in ast.unparse(decorator):
                    assert ast.unparse(decorator) == "dataclass(frozen=True, slots=True)", node.name


def test_nothing_outside_is_named_by_a_path_of_this_machine():
    for path in MODULES:
        assert not [text for text in strings(parse(path)) if re.match(r"/(?:home|root|work|Users|mnt)/", text)], path


def test_importing_everything_loads_nothing_heavy():
    """As the command line does before it knows what it is asked for."""
    modules = [name_of(path)[:-3].replace("/", ".") for path in MODULES if path.stem not in ("__init__", "__main__")]
    code = f"import sys; [__import__(m) for m in {modules!r}]; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stderr, done.stdout.split()) == ("", [])
