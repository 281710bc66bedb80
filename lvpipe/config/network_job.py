"""Settings that every stage with a network shares: where it computes, and in which numbers."""

from typing import Literal

from pydantic import Field

from lvpipe.config.base import Section

Device = Literal["cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]


def conda_file(device: Device) -> str:
    """The environment of a job that computes there, as rule files name it."""
    return f"../../envs/{'gpu' if device == 'cuda' else 'cpu'}.yaml"


class NetworkJob(Section):
    """Where a network computes, and in which numbers."""

    device: Device = Field(
        "cpu",
        description="Where the network computes; `cuda`: the job asks for one GPU. A GPU's bytes differ from the "
        "processor's, and between kinds of GPU.",
    )
    precision: Precision = Field(
        "auto", description="Numbers of the forward pass; `auto`: bfloat16 where the device computes in it."
    )
    threads: int = Field(
        1,
        ge=1,
        description="Torch's threads, and the cores that a job asks for. Its bytes depend on it, so it is constant; 1, "
        "since folds and shards run side by side, and threads that wait for each other are slower than jobs.",
    )
