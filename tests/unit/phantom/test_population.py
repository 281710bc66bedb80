import numpy as np
import pytest

from lvpipe.config.phantom import Populations
from lvpipe.phantom.population import KINDS, contraction, draw_person, make_generator

NOBODY = {"normal": 0.0, "dilated": 0.0, "hypertrophic": 0.0, "infarct": 0.0}


def drawn(kind, count=200):
    weights = Populations(**{**NOBODY, kind: 1.0})
    return [draw_person(weights, make_generator("test", kind, i)) for i in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_volumes_stay_in_real_ranges(kind):
    people = drawn(kind)
    ejections = [100 * (1 - person.esv_ml / person.edv_ml) for person in people]
    assert {person.population for person in people} == {kind}
    assert all(60 <= person.edv_ml <= 450 for person in people)
    assert all(9.99 <= ejection <= 75.01 for ejection in ejections)


def test_diseases_differ_as_they_should():
    mean = {
        kind: np.mean([(p.edv_ml, 1 - p.esv_ml / p.edv_ml, p.wall_mm) for p in drawn(kind)], axis=0) for kind in KINDS
    }
    assert mean["dilated"][0] > 1.4 * mean["normal"][0]
    assert mean["dilated"][1] < mean["infarct"][1] < mean["normal"][1]
    assert mean["hypertrophic"][2] > 1.5 * mean["normal"][2]


def test_contraction_goes_from_ed_to_es_and_back():
    phases = np.linspace(0, 1, 200, endpoint=False)
    curve = contraction(phases, systole=0.35, kick=0.25)
    assert curve.min() == pytest.approx(0, abs=1e-6)
    assert curve.max() == pytest.approx(1, abs=1e-3)
    assert phases[curve.argmax()] == pytest.approx(0.35, abs=0.05)
    assert np.abs(np.diff(np.append(curve, curve[0]))).max() < 0.06


def test_generators_depend_on_their_words():
    assert make_generator(1, "a").integers(1 << 60) == make_generator(1, "a").integers(1 << 60)
    assert make_generator(1, "a").integers(1 << 60) != make_generator(1, "b").integers(1 << 60)
