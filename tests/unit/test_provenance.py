import os
import shlex
import textwrap

import pytest

from lvpipe import provenance
from lvpipe.provenance import code_digest, folder_fingerprint, import_closure

MODULES = {
    "__init__": '"""The package."""',
    "top": """
        '''What it does.'''
        from lvpipe.middle import double

        LIMIT = 3
        '''Why three.'''

        def run(x):
            '''Doubled.'''
            from lvpipe import late
            return double(x) + LIMIT + late.ONE  # a comment
    """,
    "middle": """
        import lvpipe.sub.deep
        def double(x): return lvpipe.sub.deep.TWO * x
    """,
    "sub/__init__": "",
    "sub/deep": "TWO = 2",
    "late": "ONE = 1",
    "other": """
        import numpy
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from lvpipe.late import ONE
        THREE = 3
    """,
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own, whose modules can be edited; the caches are emptied at each edit."""
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)

    def edit(name: str, old: str = "", new: str = "") -> None:
        path = tmp_path / "lvpipe" / f"{name}.py"
        path.write_text(path.read_text().replace(old, new))
        _forget()

    for name, text in MODULES.items():
        path = tmp_path / "lvpipe" / f"{name}.py"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(textwrap.dedent(text))
    _forget()
    yield edit
    _forget()


def _forget() -> None:
    for cached in (provenance._read, provenance._file, import_closure, code_digest):
        cached.cache_clear()


def test_what_type_checkers_alone_see_is_no_code_of_a_run(package):
    assert import_closure("lvpipe.other") == {"lvpipe.other"}


def test_the_closure_is_all_that_is_imported_wherever_it_stands(package):
    names = ("", ".top", ".middle", ".sub", ".sub.deep", ".late")
    assert import_closure("lvpipe.top") == {f"lvpipe{name}" for name in names}
    assert import_closure("lvpipe.other") == {"lvpipe.other"}
    assert import_closure("numpy") == frozenset()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("top", "# a comment", "# another"),
        ("top", "'''What it does.'''", "'''What else.'''"),
        ("top", "'''Why three.'''", ""),
        ("top", "'''Doubled.'''", "'''Twice.'''"),
        ("top", "LIMIT = 3", "LIMIT   =   (3)\n\n"),
        ("middle", "return lvpipe.sub.deep.TWO * x", "\n    return (lvpipe.sub.deep.TWO\n        * x)"),
        ("sub/deep", "TWO = 2", "# why\nTWO = 2"),
        ("other", "THREE = 3", "THREE = 4"),
    ],
)
def test_what_does_not_count(package, module, old, new):
    before = code_digest("lvpipe.top")
    package(module, old, new)
    assert code_digest("lvpipe.top") == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("top", "LIMIT = 3", "LIMIT = 4"),
        ("top", "+ LIMIT", "- LIMIT"),
        ("top", "run(x)", "run(y)"),
        ("middle", "* x", "* x + 1"),
        ("sub/deep", "2", "'2'"),
        ("sub/__init__", "", "import os"),
        ("late", "1", "11"),
        ("__init__", '"""The package."""', "VERSION = 2"),
    ],
)
def test_what_counts(package, module, old, new):
    before = code_digest("lvpipe.top")
    package(module, old, new)
    assert code_digest("lvpipe.top") != before


def test_a_module_that_is_loaded_by_name_is_added(package):
    assert code_digest("lvpipe.top", "lvpipe.other") != code_digest("lvpipe.top")
    assert code_digest("lvpipe.top", "lvpipe.other") == code_digest("lvpipe.other", "lvpipe.top")


def test_the_digest_names_every_module_and_changes_at_the_one_that_changed(package):
    before = dict(part.split("=") for part in code_digest("lvpipe.top").split(","))
    package("sub/deep", "2", "3")
    after = dict(part.split("=") for part in code_digest("lvpipe.top").split(","))
    assert set(before) == set(after) == import_closure("lvpipe.top")
    assert [module for module in before if before[module] != after[module]] == ["lvpipe.sub.deep"]


def test_the_digest_is_one_word_for_a_shell_and_one_string_for_all_jobs(package):
    assert shlex.split(code_digest("lvpipe.top")) == [code_digest("lvpipe.top")]
    assert code_digest("lvpipe.top") is code_digest("lvpipe.top")


def test_a_touched_module_is_the_same(package, tmp_path):
    before = code_digest("lvpipe.top")
    os.utime(tmp_path / "lvpipe" / "top.py", (1, 1))
    _forget()
    assert code_digest("lvpipe.top") == before


def test_light_stages_do_not_depend_on_the_learning():
    for stage in ("resample", "detect", "postprocess", "integrate", "calibrate", "score"):
        closure = import_closure(f"lvpipe.stages.{stage}")
        others = {name for name in closure if name.startswith("lvpipe.stages.")} - {f"lvpipe.stages.{stage}"}
        assert not others, "stages import no other stage"
        assert not [name for name in closure if name.startswith(("lvpipe.learning", "lvpipe.networks"))]


def test_a_folder_is_its_names_sizes_and_times(tmp_path):
    study = tmp_path / "study"
    (study / "sax_1").mkdir(parents=True)
    image = study / "sax_1" / "1.dcm"
    image.write_bytes(b"xx")
    first = folder_fingerprint([study])
    assert folder_fingerprint([study]) == first
    (study / ".DS_Store").touch()
    assert folder_fingerprint([study]) == first, "hidden files do not count"
    os.utime(image, ns=(1, 1))
    touched = folder_fingerprint([study])
    image.write_bytes(b"xxx")
    os.utime(image, ns=(1, 1))
    longer = folder_fingerprint([study])
    image.rename(study / "sax_1" / "2.dcm")
    renamed = folder_fingerprint([study])
    assert len({first, touched, longer, renamed}) == 4
    assert folder_fingerprint([image.with_name("2.dcm")]) != folder_fingerprint([tmp_path / "gone"])
