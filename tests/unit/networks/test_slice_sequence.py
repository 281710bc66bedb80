"""The network that sees a whole study: one answer for each slice and frame, wherever the cycle begins."""

import pytest
import torch

from lvpipe.learning.weights import build_network, read_network, write_weights

FEWEST, USUAL = (2, 1), (5, 4)
"""Frames and slices."""


@pytest.fixture
def network():
    """One that has learnt something: its last layers start at zero."""
    torch.manual_seed(0)
    network = build_network("slice_sequence", {}).to(memory_format=torch.channels_last)
    with torch.no_grad():
        for tell in (network.correction, network.spread):
            tell.weight.normal_(std=0.1)
    return network.eval()


def windows(study, side=32):
    return torch.randn(*study, side, side, generator=torch.Generator().manual_seed(1))


def test_it_has_the_parameters_that_it_says():
    assert sum(parameter.numel() for parameter in build_network("slice_sequence", {}).parameters()) == 189_331


@pytest.mark.parametrize("study", [FEWEST, (3, 2), USUAL, (2, 12)])
@pytest.mark.parametrize("low", [False, True])
def test_every_slice_of_every_frame_has_a_share_and_a_spread(network, study, low):
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low):
        mean_tz, sd_tz = network(windows(study))
    assert mean_tz.shape == sd_tz.shape == study
    assert mean_tz.dtype == sd_tz.dtype == torch.float32
    assert ((mean_tz > 0) & (mean_tz < 1) & (sd_tz > 0)).all()


def test_before_it_learns_it_tells_shares_of_the_usual_size():
    mean_tz, sd_tz = build_network("slice_sequence", {}).eval()(windows(USUAL))
    assert 0.1 < mean_tz.mean() < 0.2
    torch.testing.assert_close(sd_tz, torch.full(USUAL, 0.101))


def test_it_does_not_matter_where_the_cycle_begins(network):
    study = windows(USUAL)
    shifted = [told.roll(2, 0) for told in network(study)]
    torch.testing.assert_close(network(study.roll(2, 0)), tuple(shifted))


def test_a_slice_is_judged_beside_its_neighbours_in_the_stack_and_in_the_cycle(network):
    study = windows(USUAL).requires_grad_()
    network(study)[0][0, 0].backward()
    felt_tz = study.grad.abs().sum(dim=(2, 3))
    assert (felt_tz > 0).all()


def test_base_and_apex_are_not_alike(network):
    study = windows(USUAL)
    assert not torch.allclose(network(study.flip(1))[0].flip(1), network(study)[0], atol=1e-4)


def test_every_parameter_is_taught_by_volumes_alone(network):
    torch.set_deterministic_debug_mode("error")
    try:
        mean_tz, sd_tz = network.train()(windows(USUAL))
        ((mean_tz.sum(dim=1) - 1).square() / sd_tz.sum(dim=1) + sd_tz.sum(dim=1)).sum().backward()
    finally:
        torch.set_deterministic_debug_mode("default")
    untaught = [name for name, one in network.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert untaught == []


def test_it_comes_back_from_its_file(tmp_path, network):
    file, study = tmp_path / "model.safetensors", windows(USUAL)
    write_weights(file, network.state_dict(), {"network": "slice_sequence", "options": {}})
    with torch.no_grad():
        torch.testing.assert_close(read_network(file, "slice_sequence")(study), network(study))


def test_it_learns_how_large_a_disk_is_from_sums_over_the_stack():
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    inside = [
        ((rows - 16) ** 2 + (columns - 16) ** 2 < radius**2).float() for radius in (4, 6, 8, 10, 8, 6, 3, 5, 7, 9, 7, 5)
    ]
    study = torch.stack(inside).reshape(4, 3, 32, 32)
    sums = study.mean(dim=(2, 3)).sum(dim=1)
    network = build_network("slice_sequence", {})
    optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
    for _ in range(60):
        optimiser.zero_grad()
        (network(study * 2 - 1)[0].sum(dim=1) - sums).abs().sum().backward()
        optimiser.step()
    assert (network(study * 2 - 1)[0].sum(dim=1) - sums).abs().max() < 0.05
