from typing import Any

import pytest
from pydantic import ValidationError

from lvpipe.config.search import Searched, SearchEntry

RATE = "train.learning_rate"


@pytest.mark.parametrize(
    ("searched", "words"),
    [
        ({}, "both or neither"),
        ({"values": [1], "low": 1, "high": 2}, "both or neither"),
        ({"low": 1}, "goes from 1.0 to None"),
        ({"low": 2, "high": 1}, "expected `low` below `high`"),
        ({"low": 0, "high": 1, "log": True}, "expected `low` above 0"),
        ({"values": [1], "log": True}, "for `low` and `high`"),
    ],
)
def test_a_setting_has_values_or_bounds(searched, words):
    with pytest.raises(ValidationError, match=words):
        Searched.model_validate(searched)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"space": {}}, "at least 1 item"),
        ({"space": {RATE: {"low": 1, "high": 2}}}, f"{RATE} is drawn at random; expected `trials`"),
        ({"space": {name: {"values": list(range(30))} for name in "ab"}}, "has 900 combinations"),
        ({"space": {RATE: {"values": [1]}}, "trials": 201}, "less than or equal to 200"),
    ],
)
def test_a_search_ends(entry: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        SearchEntry.model_validate({"model": "unet", **entry})
