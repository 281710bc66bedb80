"""Contrast-limited adaptive histogram equalisation of a batch, where one image after another would keep it waiting."""

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

if TYPE_CHECKING:
    from torch import Tensor

_TILES = 8
"""Along each axis, as OpenCV has them."""

_BINS = 256


def equalise(images: "Tensor", clip_limit: float) -> "Tensor":
    """Images `(n, 1, y, x)` in 0..1; the clip limit counts multiples of the mean bin."""
    y, x = images.shape[-2:]
    rows, columns = -(-y // _TILES), -(-x // _TILES)
    levels = (images.clamp(0, 1) * (_BINS - 1)).round().long()[:, 0]
    missing = (0, columns * _TILES - x, 0, rows * _TILES - y)
    whole = pad(levels[:, None].float(), missing, mode="replicate")[:, 0].long()
    curves = _curves(_histograms(whole, rows, columns), rows * columns, clip_limit)
    return _look_up(curves, levels, rows, columns)[:, None].to(images.dtype)


def _histograms(levels: "Tensor", rows: int, columns: int) -> "Tensor":
    """Pixels of each tile by level: `(n, tiles, tiles, bins)`."""
    n = len(levels)
    tiles = levels.reshape(n, _TILES, rows, _TILES, columns).transpose(2, 3).reshape(n, _TILES, _TILES, -1)
    counts = torch.zeros((n, _TILES, _TILES, _BINS), dtype=torch.long, device=levels.device)
    return counts.scatter_add_(3, tiles, torch.ones_like(tiles))


def _curves(counts: "Tensor", pixels: int, clip_limit: float) -> "Tensor":
    """What each level becomes in each tile; what a bin has beyond the limit is shared out among all."""
    kept = counts.clamp(max=max(int(clip_limit * pixels / _BINS), 1))
    spread = (pixels - kept.sum(dim=-1, keepdim=True)) / _BINS
    bins = torch.arange(1, _BINS + 1, device=counts.device)
    # The sum of whole numbers: of others torch has no deterministic one on a GPU.
    return (kept.cumsum(dim=-1) + spread * bins) / pixels


def _look_up(curves: "Tensor", levels: "Tensor", rows: int, columns: int) -> "Tensor":
    """Each pixel by the curves of the four tiles about it, the nearer the more."""
    n, y, x = levels.shape
    (top, down), (left, right) = _neighbours(y, rows, levels), _neighbours(x, columns, levels)
    number = torch.arange(n, device=levels.device)[:, None, None]
    found = torch.zeros(levels.shape, device=levels.device)
    for i, weight_y in ((top, 1 - down), (top + 1, down)):
        for j, weight_x in ((left, 1 - right), (left + 1, right)):
            tile_y, tile_x = i.clamp(0, _TILES - 1)[:, None], j.clamp(0, _TILES - 1)
            found += weight_y[:, None] * weight_x * curves[number, tile_y, tile_x, levels]
    return found


def _neighbours(size: int, tile: int, like: "Tensor") -> "tuple[Tensor, Tensor]":
    """Of each pixel along an axis the tile before it, counted by their middles, and the share of the one behind."""
    place = (torch.arange(size, device=like.device) + 0.5) / tile - 0.5
    before = place.floor()
    return before.long(), place - before
