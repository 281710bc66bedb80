"""nnU-Net's trainer, ended by a clock; benchmarks/nnunet.py starts this in nnU-Net's own environment.

    python nnunet_trainer.py PREPARED CONFIGURATION FOLD SECONDS

All is nnU-Net's own: network, loss, augmentation, optimiser, and how it draws what was held out, with mirroring. The
learning rate falls to zero over the seconds as it would over 1,000 epochs, and nothing of them is spent on watching:
what is held out plays no part in training. `nnUNetv2_train -tr` cannot start it everywhere: its search for trainers
imports every one there is, and with them torchvision, which goes with few builds of torch.
"""

import json
import sys
import time
from pathlib import Path

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

_POWER = 0.9
"""Of nnU-Net's own schedule."""


class ClockTrainer(nnUNetTrainer):
    """Trains for some seconds; the loading of the first batches does not count."""

    def train_for(self, seconds: float) -> dict[str, float]:
        """Steps until the clock says stop; the last weights are what nnU-Net calls final."""
        self.on_train_start()
        self.network.train()
        started_s, steps, spent_s = time.perf_counter(), 0, 0.0
        while spent_s < seconds:
            for group in self.optimizer.param_groups:
                group["lr"] = self.initial_lr * (1 - spent_s / seconds) ** _POWER
            self.train_step(next(self.dataloader_train))
            steps, spent_s = steps + 1, time.perf_counter() - started_s
        self.on_train_end()
        parameters = sum(one.numel() for one in self.network.parameters())
        return {"seconds": spent_s, "steps": steps, "images": self.batch_size, "parameters": parameters}


def main(prepared: str, configuration: str, fold: str, seconds: str) -> None:
    plans, dataset = (json.loads(Path(prepared, f"{name}.json").read_text()) for name in ("nnUNetPlans", "dataset"))
    plans["continue_training"] = False
    trainer = ClockTrainer(plans, configuration, int(fold), dataset, torch.device("cpu"))
    told = trainer.train_for(float(seconds))
    trainer.perform_actual_validation()
    Path(trainer.output_folder, "clock.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
