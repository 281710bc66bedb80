import numpy as np
import pytest

from lvpipe.config.phantom import Populations
from lvpipe.phantom.heart import draw_heart
from lvpipe.phantom.population import MUSCLE_MG_PER_MM3, draw_person, make_generator

STEP_MM = 0.25
Z_MM = np.arange(-20.0, 170.0, STEP_MM)


@pytest.fixture(params=range(6))
def person_and_heart(request):
    person = draw_person(Populations(), make_generator("heart", request.param))
    return person, draw_heart(person, 20, make_generator("heart", request.param, "shape"))


def area_mm2(radius):
    return (radius**2).mean(axis=2) * np.pi


def test_the_surface_holds_the_wanted_volumes(person_and_heart):
    _, heart = person_and_heart
    np.testing.assert_allclose(heart.measured_ml, heart.volumes_ml, rtol=0.02)


def test_measured_volume_is_the_sum_of_thin_sections(person_and_heart):
    _, heart = person_and_heart
    summed_ml = area_mm2(heart.surfaces(Z_MM).endo).sum(axis=1) * STEP_MM / 1000
    np.testing.assert_allclose(summed_ml, heart.measured_ml, rtol=0.01)


def test_no_muscle_is_lost_or_made(person_and_heart):
    _, heart = person_and_heart
    cut = heart.surfaces(Z_MM)
    mass_g = (area_mm2(cut.epi) - area_mm2(cut.endo)).sum(axis=1) * STEP_MM / 1000 * MUSCLE_MG_PER_MM3
    np.testing.assert_allclose(mass_g, heart.mass_g, rtol=0.015)


def test_walls_thicken_in_systole(person_and_heart):
    _, heart = person_and_heart
    middle = heart.surfaces(np.array([0.5 * heart.length_mm]))
    thick_mm = (middle.epi - middle.endo).mean(axis=(1, 2))
    assert thick_mm[heart.es_frame] > thick_mm[heart.ed_frame]


def test_the_base_moves_and_the_apex_hardly(person_and_heart):
    _, heart = person_and_heart
    base_mm = heart.bases_mm[heart.es_frame] - heart.bases_mm[heart.ed_frame]
    tips_mm = heart.bases_mm + heart.lengths_mm
    assert 1.0 < base_mm < 25.0
    assert np.ptp(tips_mm) < 0.2 * base_mm


def test_es_comes_before_mid_cycle_and_ed_at_its_ends(person_and_heart):
    _, heart = person_and_heart
    assert heart.es_frame in range(5, 12)
    assert heart.ed_frame in (0, 1, 18, 19)


def test_scars_move_less():
    infarcts = Populations(normal=0, dilated=0, hypertrophic=0, infarct=1)
    person = draw_person(infarcts, make_generator("scar"))
    heart = draw_heart(person, 20, make_generator("scar", "shape"))
    angle, depth, _, _ = heart.scar
    cut = heart.surfaces(np.array([depth * heart.length_mm])).endo[:, 0]
    moved = 1 - cut[heart.es_frame] / cut[heart.ed_frame]
    assert moved[round(np.degrees(angle)) % 360] < 0.7 * np.max(moved)
