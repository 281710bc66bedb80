"""Settings of the stage `segment`: how a trained network is applied."""

from pydantic import Field

from lvpipe.config.base import Section
from lvpipe.config.train import Precision


class SegmentSettings(Section):
    """Shards of cases, batches of images."""

    shard_cases: int = Field(16, ge=1, description="Most cases in one job; the models are loaded once for all of them.")
    batch_images: int = Field(64, ge=1, description="Images in one forward pass.")
    precision: Precision = Field(
        "auto", description="Numbers of the forward pass; `auto`: bfloat16 where the processor computes in it."
    )
    threads: int = Field(
        1,
        ge=1,
        description="Torch's threads, and the cores that a job asks for. Its bytes depend on it, so it is constant; 1, "
        "since folds and shards run side by side, and threads that wait for each other are slower than jobs.",
    )
