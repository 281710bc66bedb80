import torch

from lvpipe.learning.weights import build_network


def test_it_has_the_parameters_that_it_says():
    network = build_network("roi_fit", {})
    assert sum(parameter.numel() for parameter in network.parameters()) == 54_435


def test_three_numbers_come_out_of_every_patch():
    sizes, patches = [], torch.zeros(2, 6, 25, 25)
    network = build_network("roi_fit", {}).eval()
    for layer in network.layers:
        patches = layer(patches)
        if isinstance(layer, torch.nn.MaxPool2d):
            sizes.append(tuple(patches.shape[1:]))
    assert sizes == [(16, 12, 12), (32, 6, 6), (32, 3, 3)]
    assert patches.shape == (2, 3)
    torch.testing.assert_close(network(torch.zeros(2, 6, 25, 25)), patches)
