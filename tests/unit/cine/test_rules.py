"""Every rule that the code can note is registered and documented, and nothing else is."""

import ast
import re
from pathlib import Path

import lvpipe
from lvpipe.cine.rules import RULES

PACKAGE = Path(lvpipe.__file__).parent
DOCS = Path(__file__).parents[3] / "docs" / "convert.md"
WRITERS = {"note", "mend", "drop", "divide", "leave_out", "reject", "_keep", "Note"}


def noted():
    """The first text of every call that writes into a ledger."""
    for path in PACKAGE.rglob("*.py"):
        if path.name != "ledger.py":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    words = [one.value for one in node.args if isinstance(one, ast.Constant) and type(one.value) is str]
                    if name in WRITERS and words and words[0].isidentifier():
                        yield words[0]


def documented():
    """Rows of the table of rules: name, what it does, example."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", DOCS.read_text().partition("## Rules")[2], re.MULTILINE)
    return {name: (what.strip(), example.strip()) for name, what, example in rows}


def test_every_rule_that_is_noted_is_registered_and_the_other_way_round():
    assert set(noted()) == set(RULES)


def test_every_rule_is_documented_with_an_example():
    assert set(documented()) == set(RULES)
    assert all(what and example for what, example in documented().values())


def test_every_rule_has_its_line():
    assert all(line and "\n" not in line for line in RULES.values())
