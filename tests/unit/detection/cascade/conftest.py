import pytest
from drawn_hearts import QUICK, phantom_lesson, ring_lesson

from lvpipe.config.detect import CascadeSettings
from lvpipe.detection.cascade.training import learn_cascade


@pytest.fixture(scope="session")
def rings():
    return [ring_lesson(seed) for seed in range(8)]


@pytest.fixture(scope="session")
def learnt(rings):
    return learn_cascade(rings, CascadeSettings(**QUICK))


@pytest.fixture(scope="session")
def phantoms():
    return [phantom_lesson(str(name)) for name in range(1, 15)]
