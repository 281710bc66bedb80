"""Where a network computes; what needs a GPU is skipped where there is none."""

import pytest
import torch

from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.learning.device import prepare_torch, resolve_precision


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_in_one_line():
    with pytest.raises(UserError, match=r"`device: cuda`, but torch .*expected one GPU: set `device: cpu`") as caught:
        prepare_torch(TrainSettings(device="cuda"))
    assert "\n" not in str(caught.value)


def test_automatic_precision_is_one_of_the_two():
    assert resolve_precision("float32", "cpu") == "float32"
    assert resolve_precision("bfloat16", "cpu") == "bfloat16"
    assert resolve_precision("auto", "cpu") in {"float32", "bfloat16"}
