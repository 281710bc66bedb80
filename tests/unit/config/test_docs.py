import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from lvpipe.config.docs import DOCS, make_page, make_schema
from lvpipe.provenance import import_closure

ROOT = Path(__file__).parents[3]
CONFIGS = [ROOT / "config.yaml", *sorted((ROOT / "recipes").glob("*.yaml"))]


def test_the_page_is_up_to_date():
    assert (DOCS / "configuration.md").read_text() == make_page(), "mend with: make docs"


def test_the_schema_is_up_to_date():
    assert json.loads((DOCS / "config.schema.json").read_text()) == make_schema(), "mend with: make docs"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_schema_accepts_what_is_here(path):
    jsonschema.validate(yaml.safe_load(path.read_text()), make_schema())


def test_the_schema_refuses_an_unknown_key():
    with pytest.raises(jsonschema.ValidationError, match="rul"):
        jsonschema.validate({"integrate": {"rul": "disk"}}, make_schema())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_an_editor_finds_the_schema(path):
    line = path.read_text().splitlines()[0]
    assert line.startswith("# yaml-language-server: $schema=")
    assert (path.parent / line.partition("=")[2]).resolve() == DOCS / "config.schema.json"


def test_documentation_is_no_part_of_any_stage():
    assert "lvpipe.config.docs" not in import_closure("lvpipe.stages.convert") | import_closure("lvpipe.stages.train")
