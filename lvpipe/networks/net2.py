"""Hsin and Danner's second network: seven convolutions, a dense layer, and back up; what net3 grew from."""

from torch import nn

from lvpipe.networks._layers import start_glorot
from lvpipe.networks._mirrored import STAGES, bottleneck, contracting, expanding

SIDE = 128

_FIELD = SIDE // 8
_CODE = (4, _FIELD, _FIELD)
"""What the dense layer's vector is put back into. The paper does not give its length; 1,024 is that of net4, whose
dense layer has the same field. As wide as what it sees, as in net3, it would have four billion weights."""


def build(outputs: int = 1, batch_norm: bool = True) -> nn.Module:
    """Table 2 down to Conv3-3, and the same upward; the dropout came with net3."""
    stages = STAGES[:3]
    seen = stages[-1][-1][1]
    network = nn.Sequential(
        *contracting(stages, batch_norm),
        *bottleneck(_CODE, _FIELD, seen),
        *expanding(stages, _CODE[0], outputs, batch_norm),
    )
    start_glorot(network)
    return network
