"""The parts that Hsin and Danner's networks share (Tables 2 and 3): convolutions down, and the same ones back up."""

from collections.abc import Iterator, Sequence

from torch import nn

from lvpipe.networks._layers import double, lasagne_unit

Layer = tuple[int, int, int]
"""Channels into a convolution, out of it, and the side of its field."""

_IMAGE = 1
"""Channels of an image, which no other layer has."""

STAGES: Sequence[Sequence[Layer]] = (
    ((_IMAGE, 64, 3), (64, 64, 3)),
    ((64, 128, 3), (128, 128, 3)),
    ((128, 256, 3), (256, 128, 1), (128, 256, 3)),
    ((256, 256, 3), (256, 128, 1), (128, 64, 3)),
)
"""Table 2, a pooling after each."""


def contracting(stages: Sequence[Sequence[Layer]], batch_norm: bool) -> Iterator[nn.Module]:
    """The convolutions of these stages, each stage at half the side of the one before."""
    for stage in stages:
        yield from (lasagne_unit(*layer, batch_norm) for layer in stage)
        yield nn.MaxPool2d(2)


def expanding(stages: Sequence[Sequence[Layer]], into: int, outputs: int, batch_norm: bool) -> Iterator[nn.Module]:
    """The same in the opposite order, from `into` channels; the last layer makes logits and nothing else."""
    for stage in reversed(stages):
        yield double()
        for channels, _, side in reversed(stage):
            if channels == _IMAGE:
                yield nn.Conv2d(into, outputs, side, padding=side // 2)
            else:
                yield lasagne_unit(into, channels, side, batch_norm)
            into = channels


def bottleneck(shape: tuple[int, int, int], field: int, channels: int) -> Iterator[nn.Module]:
    """A dense layer over all that was seen (`channels` maps of side `field`), put back into maps of this shape."""
    depth, height, width = shape
    yield nn.Conv2d(channels, depth * height * width, field)
    yield nn.ReLU(inplace=True)
    yield nn.Flatten()
    yield nn.Unflatten(1, shape)


def encoder(batch_norm: bool, dropout: float) -> Iterator[nn.Module]:
    """All of Table 2 but the dense layer: 64 maps of 8 x 8."""
    yield from contracting(STAGES, batch_norm)
    yield nn.Dropout(dropout)
