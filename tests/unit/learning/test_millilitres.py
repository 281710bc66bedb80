"""Volumes that gradients flow through, against the ones that `integrate` tells."""

import numpy as np
import pytest
import torch

from lvpipe.config.integrate import IntegrateSettings
from lvpipe.learning.millilitres import crps, l1, l2, spread_ml, volume_ml
from lvpipe.volumes import integrate_areas

RULES = ("frustum", "trapezoid", "simpson", "disk")
CAPS = ("none", "half_slab", "zero_area")
PLACES = {
    "even": [0, 10, 20, 30],
    "irregular": [0, 7, 19.5, 24, 40],
    "descending": [41, 30, 18, 2],
    "doubled": [0, 8, 8, 21, 30],
    "two": [3, 12],
    "one": [5],
}


def of(rule: str, end_caps: str = "none", **further) -> IntegrateSettings:
    return IntegrateSettings(rule=rule, end_caps=end_caps, **further)


def areas_at(positions: np.ndarray, seed: int = 3) -> np.ndarray:
    """Four frames of areas, the outermost slices of one of them empty."""
    areas = np.random.default_rng(seed).uniform(50, 2000, (4, len(positions)))
    areas[0, [0, -1]] = 0
    return areas


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("end_caps", CAPS)
@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_volumes_are_those_that_integrate_tells(rule, end_caps, places):
    positions = np.array(places, float)
    areas = areas_at(positions)
    found = volume_ml(torch.from_numpy(areas), positions, of(rule, end_caps), 8.0)
    np.testing.assert_allclose(found, integrate_areas(areas, positions, rule, end_caps, 8.0), atol=1e-9)


def test_slices_lie_one_thickness_apart_where_that_is_wanted():
    positions = np.array([0, 10, 20.0])
    areas = torch.full((3,), 300.0, dtype=torch.float64)
    found = volume_ml(areas, positions, of("trapezoid", distance="thickness"), 8.0)
    assert found.item() == pytest.approx(300 * 16 / 1000)


@pytest.mark.parametrize("rule", RULES)
def test_the_gradient_is_that_of_finite_differences(rule):
    positions = np.array(PLACES["irregular"], float)
    areas = torch.from_numpy(areas_at(positions)[1:]).requires_grad_()
    assert torch.autograd.gradcheck(lambda some: volume_ml(some, positions, of(rule, "half_slab"), 8.0), areas)


def test_an_empty_slice_has_a_finite_gradient_that_fills_it():
    areas = torch.tensor([0.0, 0.0, 500.0, 0.0], requires_grad=True)
    volume_ml(areas, np.arange(4) * 10.0, of("frustum"), 8.0).backward()
    assert torch.isfinite(areas.grad).all()
    assert (areas.grad > 0).all()


def test_an_area_below_nothing_can_be_unlearnt():
    areas = torch.tensor([-20.0, 300.0, -10.0], requires_grad=True)
    volume_ml(areas, np.arange(3) * 10.0, of("frustum"), 8.0).backward()
    assert (areas.grad > 0).all()


@pytest.mark.parametrize(("rule", "ml"), [("frustum", 39.2699), ("simpson", 39.2699), ("trapezoid", 39.8153)])
def test_a_cone_of_the_specification(rule, ml):
    z = np.linspace(0, 60, 7)
    areas = torch.from_numpy(np.pi * (25 * (1 - z / 60)) ** 2)
    assert volume_ml(areas, z, of(rule), 10.0).item() == pytest.approx(ml, abs=5e-5)


def test_a_cylinder_of_the_specification():
    areas = torch.full((7,), 300.0)
    for rule in ("frustum", "simpson", "trapezoid"):
        assert volume_ml(areas, np.linspace(0, 60, 7), of(rule), 10.0).item() == pytest.approx(18.0, abs=1e-4)


def test_losses_are_shares_of_the_scale():
    error = torch.tensor([-30.0, 60.0])
    torch.testing.assert_close(l1(error, 600), torch.tensor([0.05, 0.1]))
    torch.testing.assert_close(l2(error, 600), torch.tensor([0.0025, 0.01]))


def test_the_crps_of_a_normal_forecast():
    found = crps(torch.tensor([10.0, -10.0]), torch.tensor([12.0, 12.0]), 600)
    torch.testing.assert_close(found, torch.tensor([0.0099151, 0.0099151]), atol=5e-8, rtol=0)


def test_a_forecast_without_spread_costs_its_error():
    error, sd = torch.tensor([10.0, -3.0]), torch.zeros(2, requires_grad=True)
    found = crps(error, sd, 600)
    torch.testing.assert_close(found, l1(error, 600), atol=1e-4, rtol=0)
    found.sum().backward()
    assert torch.isfinite(sd.grad).all()


def test_the_crps_is_least_at_a_spread_a_fifth_above_the_error():
    sds = torch.linspace(5, 20, 1501)
    assert sds[crps(torch.tensor(10.0), sds, 600).argmin()].item() == pytest.approx(12.01, abs=0.02)


@pytest.mark.parametrize("rule", ["trapezoid", "frustum"])
def test_a_spread_adds_up_as_drawn_errors_do(rule):
    positions, sds = np.array([0, 8, 20, 30.0]), np.array([40, 25, 30, 10.0])
    random = np.random.default_rng(1)
    own, common = random.normal(size=(200_000, 4)), random.normal(size=(200_000, 1))
    for shared in (0.0, 0.3, 1.0):
        errors = sds * (np.sqrt(1 - shared) * own + np.sqrt(shared) * common)
        drawn = integrate_areas(errors, positions, "trapezoid", "half_slab").std()
        found = spread_ml(torch.from_numpy(sds), positions, of(rule, "half_slab"), 8.0, shared)
        assert found.item() == pytest.approx(drawn, rel=0.01)
