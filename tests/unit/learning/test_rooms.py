import pkgutil

import pytest

import lvpipe.learning
from lvpipe.provenance import import_closure


@pytest.mark.parametrize("module", [module.name for module in pkgutil.iter_modules(lvpipe.learning.__path__)])
def test_learning_knows_nothing_of_the_detector(module):
    assert not [name for name in import_closure(f"lvpipe.learning.{module}") if name.startswith("lvpipe.detection")]
