"""`python -m lvpipe.config.docs` (`make docs`): docs/configuration.md and docs/config.schema.json from the settings."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lvpipe.config.schema import Config

DOCS = Path(__file__).parents[2] / "docs"
_ENTRIES = ("CohortEntry", "ModelEntry")
"""Members of lists, which overlays replace whole: the only objects of which an overlay must say all required keys."""

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

_INTRODUCTION = """\
# Configuration

Written by `make docs` from the models in `lvpipe/config/`; do not edit.

`config.yaml` has every choice of the default run. A recipe, given with `--configfile recipes/tiny.yaml`, is laid over
it; single values can follow as `--config 'integrate={{rule: disk}}'`. Mappings are merged key by key; lists
(`cohorts`, `models`) are replaced whole. An unknown key ends the run before anything is made. What stands under
`options`, and `null`, is for files alone: of `--config` Snakemake makes text, and there nothing says that a number was
meant. Editors that know JSON schemas complete and check the file by `docs/config.schema.json`.

{top}
"""


def make_schema() -> dict[str, Any]:
    """JSON schema of config.yaml and of every overlay of it."""
    schema = Config.model_json_schema()
    for name, definition in [("", schema), *schema["$defs"].items()]:
        if name not in _ENTRIES:
            definition.pop("required", None)
    return schema


def make_page() -> str:
    """All keys, section by section, as Markdown."""
    schema = Config.model_json_schema()
    introduction = _INTRODUCTION.format(top="\n".join(_table(schema)))
    parts = (_section(name, found, schema["$defs"]) for name, found in schema["properties"].items())
    return introduction + "".join(f"{line}\n" for part in parts for line in part)


def _section(path: str, found: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    """The table of a key that holds a section or several, then those of the sections in it."""
    for name in _references(found):
        definition = definitions[name]
        yield from ("", f"{'#' * (2 + path.count('.'))} {path}", "", definition["description"], "")
        yield from _table(definition)
        for key, inner in definition["properties"].items():
            yield from _section(f"{path}.{key}", inner, definitions)


def _table(definition: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for key, found in definition["properties"].items():
        default = "*required*" if key in definition.get("required", ()) else _default(found)
        yield f"| `{key}` | {_type(found)} | {default} | {found['description']} |".replace("\n", " ")


def _default(found: Mapping[str, Any]) -> str:
    return f"`{json.dumps(found['default'], ensure_ascii=False)}`" if "default" in found else ""


def _type(found: Mapping[str, Any]) -> str:
    if "$ref" in found:
        return "a section"
    if "anyOf" in found:
        return " or ".join(_type(choice) for choice in found["anyOf"])
    if "enum" in found or "const" in found:
        return ", ".join(f"`{choice}`" for choice in found.get("enum", [found.get("const")]))
    if found.get("type") == "array":
        items = found.get("prefixItems")
        return f"[{', '.join(map(_type, items))}]" if items else f"list of: {_type(found['items'])}"
    if found.get("type") == "object":
        inner = found.get("additionalProperties")
        return f"by name: {_type(inner)}" if isinstance(inner, dict) else "any keys"
    bounds = [f"{sign} {found[bound]:g}" for bound, sign in _BOUNDS.items() if bound in found]
    return ", ".join([found.get("type", "any"), *bounds])


def _references(found: Any) -> Iterator[str]:
    """Names of the definitions that a key refers to, however deep in lists and choices."""
    for key, value in found.items() if isinstance(found, dict) else enumerate(found if isinstance(found, list) else ()):
        if key == "$ref":
            yield value.rpartition("/")[2]
        else:
            yield from _references(value)


def main() -> None:
    """Write both files."""
    (DOCS / "configuration.md").write_text(make_page())
    (DOCS / "config.schema.json").write_text(json.dumps(make_schema(), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
