import json

import pytest

from lvpipe.explain.params import differences, flatten, modules, parse, stage_of


def said(old, new, stage="integrate"):
    return list(differences([repr(value) for value in old], {key: repr(value) for key, value in new.items()}, stage))


def test_the_stage_is_the_word_of_the_command():
    assert stage_of("python -m lvpipe score masks --mask {input.mask}") == "score"
    assert stage_of("touch {output}") == ""


def test_a_changed_setting_is_named_as_in_the_configuration():
    old, new = {"rule": "disk", "smooth": {"frames": 3}}, {"rule": "disk", "smooth": {"frames": 5}}
    assert said([json.dumps(old)], {"settings": json.dumps(new)}) == ["integrate.smooth.frames: 3 -> 5"]


def test_settings_may_come_and_go():
    assert said(['{"a":1,"b":2}'], {"settings": '{"b":2,"c":[1,2]}'}) == [
        "integrate.a is gone",
        "integrate.c is new: [1, 2]",
    ]


def test_modules_are_named():
    old, new = "lvpipe=00,lvpipe.beats=1a,lvpipe.gone=22", "lvpipe=00,lvpipe.beats=1b,lvpipe.more=33"
    expected = ["lvpipe.beats changed", "lvpipe.gone is gone", "lvpipe.more is new"]
    assert said([old], {"code": new}) == expected
    assert modules(old) == {"lvpipe": "00", "lvpipe.beats": "1a", "lvpipe.gone": "22"}


def test_a_digest_of_an_earlier_version_is_no_list_of_modules():
    assert modules("b565820d7f43a70d") == {}
    assert said(["b565820d7f43a70d"], {"code": "lvpipe=00"}) == [
        "the code was recorded by an earlier lvpipe, in a form that cannot be compared"
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        (["a"], ["a", "b"], ["cases: b new"]),
        (["a", "b", "c"], ["c"], ["cases: a, b gone"]),
        (["a"], ["a", "b", "c", "d", "e"], ["cases: b, c and 2 more new"]),
        (["a", "b"], ["b", "a"], ["cases: another order"]),
    ],
)
def test_lists_of_cases(old, new, sentences):
    assert said([old], {"cases": new}) == sentences


def test_each_list_is_compared_with_the_one_that_it_was():
    learn, watch = ["a", "b", "c"], ["d", "e"]
    assert said([watch, learn], {"learn": [*learn, "x"], "watch": [*watch, "y"]}) == ["learn: x new", "watch: y new"]


def test_the_network_is_not_mistaken_for_the_settings():
    old = ['{"network":"unet","options":{"channels":[8]}}', '{"epochs":3,"seed":1}']
    new = {"settings": '{"epochs":4,"seed":1}', "network": '{"network":"unet","options":{"channels":[4]}}'}
    assert sorted(said(old, new, "train")) == ["network.options.channels: [8] -> [4]", "train.epochs: 3 -> 4"]


def test_a_source_folder_is_told_as_such():
    assert said(["0123456789abcdef"], {"files": "fedcba9876543210"}) == ["the files in its source folder changed"]


def test_plain_values():
    assert said(["standard"], {"view": "raw"}) == ["view: standard -> raw"]
    assert said(["", "x"], {"view": "raw", "drawn": "--drawn"}) == ["drawn is now --drawn", "view is now raw"]
    assert said(["x"], {}) == ["a param is gone: x"]


def test_entries_with_names_are_known_by_them():
    assert flatten({"cohorts": [{"name": "a", "root": "r"}], "b": {}}) == {"cohorts.a.root": "r", "b": {}}


def test_what_is_no_python_stays_as_it_is():
    assert parse("<object at 0x1>") == "<object at 0x1>"
    assert parse("'{not json'") == "'{not json'"
