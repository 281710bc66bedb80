import pytest
import torch

from lvpipe.networks.unet import build


@pytest.mark.parametrize(("channels", "side"), [((4, 8), 32), ((4, 8, 16), 64)])
@pytest.mark.parametrize("residual_units", [0, 2])
def test_one_channel_in_one_logit_out(channels, side, residual_units):
    network = build(1, channels, residual_units)
    assert network(torch.zeros(2, 1, side, side)).shape == (2, 1, side, side)
    logits = network.eval()(torch.randn(1, 1, side, side))
    assert logits.min() < 0 or logits.max() > 1, "logits, not probabilities"


def test_a_list_from_json_and_a_tuple_build_the_same():
    sizes = [sum(p.numel() for p in build(1, channels, 1).parameters()) for channels in ([4, 8], (4, 8))]
    assert sizes[0] == sizes[1]


def test_dropout_is_off_in_use():
    torch.manual_seed(0)
    network = build(1, (4, 8), 1, dropout=0.5)
    image = torch.randn(1, 1, 16, 16)
    assert not torch.equal(network(image), network(image))
    network.eval()
    assert torch.equal(network(image), network(image))
