"""Settings of the stage `segment`: how a trained network is applied."""

from pydantic import Field

from lvpipe.config.network_job import NetworkJob


class SegmentSettings(NetworkJob):
    """Shards of cases, batches of images."""

    shard_cases: int = Field(16, ge=1, description="Most cases in one job; the models are loaded once for all of them.")
    batch_images: int = Field(64, ge=1, description="Images in one forward pass.")
