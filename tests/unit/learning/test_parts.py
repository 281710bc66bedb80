"""Which images are learnt from, watched and held out."""

import numpy as np
import pytest

from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.learning.parts import divide
from lvpipe.learning.store import Samples, Store, write_store

COUNTS = {"a": 30, "b": 20, "c": 10}


def store_of(folder, counts=COUNTS) -> Store:
    """Each image is its own number, as its case and its place in it have it."""
    cases = []
    for case, count in counts.items():
        first = 60 * "abc".index(case)
        images = np.arange(first, first + count, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
        cases.append((case, images, images))
    write_store(folder / "samples", cases)
    return Store(folder / "samples")


def numbers(samples: Samples) -> list[int]:
    return samples.read(np.arange(len(samples)))[0][:, 0, 0].tolist()


def test_by_patient_all_images_of_a_case_stay_together(tmp_path):
    store = store_of(tmp_path)
    parts = divide(store, ["a", "b"], ["c"], TrainSettings())
    assert numbers(parts.learn) == [*range(30), *range(60, 80)]
    assert set(parts.watch.owners()) == {"c"}
    assert numbers(parts.held_out) == []


def test_by_image_three_parts_share_no_image_but_every_case(tmp_path):
    store = store_of(tmp_path)
    parts = divide(store, ["a", "b"], ["c"], TrainSettings(split_by="image", inner_share=0.1))
    found = [numbers(part) for part in (parts.learn, parts.watch, parts.held_out)]
    assert [len(part) for part in found] == [48, 6, 6]
    assert sorted(number for part in found for number in part) == [*range(30), *range(60, 80), *range(120, 130)]
    assert set(parts.held_out.owners()) <= set(parts.learn.owners()) == {"a", "b", "c"}


@pytest.mark.parametrize("split_by", ["patient", "image"])
def test_more_images_hold_fewer(tmp_path, split_by):
    store = store_of(tmp_path)
    learnt = [
        numbers(divide(store, ["a", "b"], ["c"], TrainSettings(split_by=split_by, learn_images=n)).learn)
        for n in (5, 12, None)
    ]
    assert [len(part) for part in learnt[:2]] == [5, 12]
    assert set(learnt[0]) < set(learnt[1]) < set(learnt[2])


def test_another_case_moves_no_image_of_the_others(tmp_path):
    few = divide(store_of(tmp_path / "few", {"a": 30, "b": 20}), ["a"], ["b"], TrainSettings(learn_images=7))
    many = divide(store_of(tmp_path / "many"), ["a"], ["b", "c"], TrainSettings(learn_images=7))
    assert numbers(few.learn) == numbers(many.learn)


def test_two_images_are_too_few_for_three_parts(tmp_path):
    with pytest.raises(UserError, match=r"2 images are drawn; expected at least 3"):
        divide(store_of(tmp_path, {"a": 1, "b": 1}), ["a"], ["b"], TrainSettings(split_by="image"))
