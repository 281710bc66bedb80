"""Where torch computes and in which numbers: what its bytes depend on beside code, settings and inputs."""

import os
from importlib.metadata import version
from typing import Literal

import torch

from lvpipe.config.network_job import NetworkJob, Precision
from lvpipe.errors import UserError

_CUBLAS_WORKSPACE = ":4096:8"
"""Eight buffers of 4 MiB: with fixed ones cuBLAS is deterministic, and torch's deterministic mode insists on them."""


def prepare_torch(job: NetworkJob, seed: int = 0) -> None:
    """Fix what torch's bytes depend on; a GPU's differ from the processor's, and between kinds of GPU.

    Raises:
        UserError: a GPU is asked for, and torch sees none.
    """
    if job.device == "cuda":
        _expect_gpu()
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = _CUBLAS_WORKSPACE
    torch.manual_seed(seed)
    torch.set_num_threads(job.threads)
    # As `use_deterministic_algorithms` does, which also imports torch's compiler: a second that no job here needs.
    torch.set_deterministic_debug_mode("error")


def resolve_precision(precision: Precision, device: str) -> Literal["float32", "bfloat16"]:
    """The numbers that `auto` stands for on this machine.

    bfloat16 is three times as fast where the processor computes in it, and far slower where it does not.
    """
    if precision != "auto":
        return precision
    if device == "cuda":
        # Older GPUs only imitate it, slowly.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if native else "float32"


def describe_machine(job: NetworkJob) -> str:
    """What a network's bytes depend on beside code, settings and inputs: work begun elsewhere is not gone on with."""
    if job.device == "cuda":
        chip = f"{torch.cuda.get_device_name()} {torch.version.cuda}"
    else:
        chip = torch.backends.cpu.get_cpu_capability()
    numbers = resolve_precision(job.precision, job.device)
    return f"torch {torch.__version__}, monai {version('monai')}, {chip}, {numbers}"


def _expect_gpu() -> None:
    if not torch.cuda.is_available():
        built = "sees no GPU" if torch.version.cuda else "is built for processors alone"
        raise UserError(
            f"`device: cuda`, but torch {torch.__version__} {built}; expected one GPU: set `device: cpu`, or run the "
            f"job where it gets a GPU (docs/cluster.md)"
        )
