"""One word per stage, in all its places."""

import re
from pathlib import Path

import pytest

from lvpipe.__main__ import STAGES
from lvpipe.config.schema import Config

ROOT = Path(__file__).parents[2]
SNAKEFILE = (ROOT / "Snakefile").read_text()
GRAMMAR = SNAKEFILE[: SNAKEFILE.index("\nimport")]
FINALS = {f"results/{name}.csv" for name in ("crps", "dice", "segmentation", "cases", "areas", "published")}


def rules(word):
    return (ROOT / "workflow" / "rules" / f"{word}.smk").read_text()


def test_each_folder_has_these_words_and_no_other():
    modules = {path.stem for path in (ROOT / "lvpipe" / "stages").glob("*.py")} - {"__init__"}
    files = {path.stem for path in (ROOT / "workflow" / "rules").glob("*.smk")}
    included = re.findall(r'include: "workflow/rules/(\w+)\.smk"', SNAKEFILE)
    headings = re.findall(r"^## `(\w+)`", (ROOT / "docs" / "stages.md").read_text(), re.MULTILINE)
    assert modules == files == set(STAGES)
    assert included == headings == list(STAGES)


@pytest.mark.parametrize("word", STAGES)
def test_the_configuration_has_its_section(word):
    assert Config.model_fields[word].annotation.__module__ == f"lvpipe.config.{word}"


@pytest.mark.parametrize("word", STAGES)
def test_its_rules_call_it_and_keep_to_its_folders(word):
    text = rules(word)
    calls, logs = re.findall(r"python -m lvpipe (\w+)", text), re.findall(r'f?"logs/(\w+)', text)
    outputs = re.findall(r'"(results/[^"]*)"', "".join(re.findall(r"output:(.*?)\n +log:", text, re.DOTALL)))
    assert set(logs) == {word}
    assert {word} <= set(calls) <= {word, "report"}  # report draws the pictures of other stages
    assert {path for path in outputs if path not in FINALS and not path.startswith(f"results/{word}/")} == set()


@pytest.mark.parametrize("word", STAGES)
def test_every_rule_carries_its_settings_and_its_code(word):
    text = rules(word)
    assert len(re.findall(r"^ *code=", text, re.MULTILINE)) == len(re.findall(r"^ *shell:", text, re.MULTILINE))
    assert len(re.findall(r"^ *settings=lambda", text, re.MULTILINE)) == text.count("--settings {params.settings:q}")
    assert "--settings {params.settings:q}" in text


@pytest.mark.parametrize("word", STAGES)
def test_the_grammar_of_paths_names_its_folder(word):
    assert f"results/{word}" in GRAMMAR or f"{word}/index.html" in GRAMMAR


@pytest.mark.parametrize("word", STAGES)
def test_it_has_tests(word):
    assert (ROOT / "tests" / "unit" / "stages" / f"test_{word}.py").exists()
