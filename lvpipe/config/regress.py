"""Settings of the stage `regress`: how a network that tells areas or volumes is applied."""

from pydantic import Field

from lvpipe.config.network_job import NetworkJob


class RegressSettings(NetworkJob):
    """Batches of images, and how often a study is looked at; shards are those of `segment`."""

    batch_images: int = Field(64, ge=1, description="Images in one forward pass.")
    draws: int = Field(
        10, ge=1, description="Draws of a study that are averaged, for windows with `images: study_draw`."
    )
    seed: int = Field(1, ge=0, description="Seed of these draws.")
