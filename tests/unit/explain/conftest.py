"""A small run's folder with records as Snakemake writes them."""

import json
from hashlib import sha256

import pytest

from lvpipe.record_names import record_path


@pytest.fixture
def run(tmp_path):
    """Write a file of a run, and the record of the job that made it from other files."""
    metadata = tmp_path / ".snakemake" / "metadata"
    metadata.mkdir(parents=True)

    def make(file, content="", inputs=None, rule="rule", params=(), kept=True, ended=4e9):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        if inputs is not None:
            sums = {name: f"sha256:{sha256((tmp_path / name).read_bytes()).hexdigest()}" for name in inputs if kept}
            record = {"rule": rule, "input": inputs, "params": [repr(value) for value in params], "endtime": ended}
            record_path(metadata, file).write_text(json.dumps(record | {"input_checksums": sums}))
        return path

    make.folder = tmp_path
    return make
