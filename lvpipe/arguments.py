"""Command lines of the stages: every file by name, the settings as one JSON string."""

import argparse
import json
from pathlib import Path
from typing import Any

from lvpipe.config.base import Section


def stage_parser(doc: str | None, settings: type[Section] | None = None, *paths: str) -> argparse.ArgumentParser:
    """A parser with one required option for each path, and `--settings` where the stage has any."""
    parser = argparse.ArgumentParser(description=(doc or "").split("\n", maxsplit=1)[0], allow_abbrev=False)
    add_options(parser, settings, *paths)
    return parser


def add_options(parser: argparse.ArgumentParser, settings: type[Section] | None, *paths: str) -> None:
    """The options of one command: required paths, and settings validated as they are read."""
    for path in paths:
        parser.add_argument(f"--{path}", type=Path, required=True)
    if settings is not None:
        add_settings(parser, settings)


def add_settings(parser: argparse.ArgumentParser, settings: type[Section], default: Section | None = None) -> None:
    """The option for a stage's section; required where there is no default."""
    parser.add_argument(
        "--settings", type=section_of(settings), required=default is None, default=default, metavar="JSON"
    )


def section_of(settings: type[Section]) -> Any:
    """A reader of one validated section from its JSON, for an option's `type`."""

    def read(text: str) -> Section:
        try:
            return settings.model_validate_json(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{settings.__name__}: {error}") from error

    return read


def json_object(text: str) -> dict[str, Any]:
    """Names and values, for an option's `type`."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is no JSON object; expected such as {{"name": 1}}')
    return found
