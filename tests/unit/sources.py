"""Sources that are not DICOM, written as their releases lay them out, from a beating heart whose volumes are known."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import savemat
from skimage.io import imsave

SHAPE = (64, 60)
"""Columns (x) and rows (y): unequal, so that a transposed image is noticed."""


def oblique(dx=2.0, dy=2.0, dz=8.0, flip=(1, 1, 1), turn=(0.4, -0.3, 0.2)) -> np.ndarray:
    """An affine to RAS+ mm: a rotation about all axes, voxel sizes, and mirrored axes."""
    a, b, c = turn
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rz @ ry @ rx @ np.diag([dx, dy, dz]) @ np.diag(flip)
    affine[:3, 3] = (-41.5, 17.25, 63.0)
    return affine


@dataclass(frozen=True)
class Heart:
    """A cavity that beats inside a ring of muscle beside a right ventricle, over `slices` from base to apex."""

    number: int = 0
    slices: int = 5
    frames: int = 8
    pixel_mm: float = 2.0
    slice_mm: float = 8.0

    def cavity_mm(self, z: int, t: float) -> float:
        """The radius of the cavity: least in the middle of the cycle, narrower towards the apex."""
        beat = 1 - 0.35 * np.sin(np.pi * t / self.frames) ** 2
        return float((20 + 3 * (self.number % 4)) * beat * (1 - 0.1 * z))

    def labels(self, t: float) -> np.ndarray:
        """ACDC's values, (x, y, z): 1 right ventricle, 2 muscle, 3 cavity."""
        x, y = np.indices(SHAPE) * self.pixel_mm
        labels = np.zeros((*SHAPE, self.slices), np.uint8)
        centre = np.array(SHAPE) * self.pixel_mm / 2 + (self.number % 3, -(self.number % 2))
        for z in range(self.slices):
            inner = self.cavity_mm(z, t)
            away = np.hypot(x - centre[0], y - centre[1])
            labels[np.hypot(x - centre[0] + inner + 16, y - centre[1]) < 12, z] = 1
            labels[away < inner + 8, z] = 2
            labels[away < inner, z] = 3
        return labels

    def image(self, t: float) -> np.ndarray:
        """Blood bright, muscle dark, noise of its own in each frame."""
        noise = np.random.default_rng([self.number, round(t)]).normal(0, 12, (*SHAPE, self.slices))
        return np.rint(np.array([120, 420, 140, 450])[self.labels(t)] + noise).astype(np.int16)

    def cine(self) -> np.ndarray:
        return np.stack([self.image(t) for t in range(self.frames)], axis=-1)

    def volume_ml(self, t: float) -> float:
        return float((self.labels(t) == 3).sum() * self.pixel_mm**2 * self.slice_mm / 1000)

    @property
    def ed_es(self) -> tuple[int, int]:
        return 0, self.frames // 2


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray, step_ms: float = 0.0, **header) -> Path:
    import nibabel

    image = nibabel.Nifti1Image(array, affine)
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    image.header.set_xyzt_units("mm", "msec")
    if array.ndim == 4:
        image.header["pixdim"][4] = step_ms
    for key, value in header.items():
        image.header[key] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def write_acdc(root: Path, splits: dict[str, Iterable[int]], cine: bool = True) -> None:
    """Folders of patients; without `cine` only the two frames that were drawn."""
    affine = oblique(flip=(-1, -1, 1))
    for split, numbers in splits.items():
        for number in numbers:
            heart = Heart(number)
            name = f"patient{number:03d}"
            folder = root / split / name
            if cine:
                write_nifti(folder / f"{name}_4d.nii.gz", heart.cine(), affine, 1000 / heart.frames)
            for t in heart.ed_es:
                write_nifti(folder / f"{name}_frame{t + 1:02d}.nii.gz", heart.image(t), affine)
                write_nifti(folder / f"{name}_frame{t + 1:02d}_gt.nii.gz", heart.labels(t), affine)
            ed, es = heart.ed_es
            keys = f"ED: {ed + 1}\nES: {es + 1}\nGroup: DCM\nHeight: 184.0\nNbFrame: {heart.frames}\nWeight: 95.0\n"
            (folder / "Info.cfg").write_text(keys)


def write_nifti_cohort(root: Path, numbers: Iterable[int]) -> None:
    """A sheet; odd cases are 4D files with labels of two frames, even ones a file for each frame."""
    lines = ["case,image,labels,patient,split,edv_ml,esv_ml,age_years,sex"]
    for number in numbers:
        heart, case = Heart(number), f"scan {number}"
        ed, es = heart.ed_es
        folder = root / f"n{number}"
        for t in heart.ed_es:
            write_nifti(folder / f"labels_frame{t + 1:02d}.nii.gz", _ours(heart.labels(t)), oblique())
        if number % 2:
            write_nifti(folder / "cine.nii.gz", heart.cine(), oblique(), 1000 / heart.frames)
            image = f"n{number}/cine.nii.gz"
        else:
            for t in range(heart.frames):
                write_nifti(folder / f"cine_frame{t + 1:02d}.nii", heart.image(t), oblique())
            image = f"n{number}/cine_*.nii"
        volumes = f"{heart.volume_ml(ed):.1f},{heart.volume_ml(es):.1f}"
        lines.append(f"{case},{image},n{number}/labels_*.nii.gz,person {number},,{volumes},{50 + number},F")
    (root / "cases.csv").write_text("\n".join(lines) + "\n")


def _ours(labels: np.ndarray) -> np.ndarray:
    return np.array([0, 0, 2, 1], np.uint8)[labels]


def write_la2013(root: Path, learnt: Iterable[int], tested: Iterable[int]) -> None:
    """The decathlon's folders: static volumes, and labels of those that are learnt from."""
    affine = oblique(1.25, 1.25, 1.37, turn=(0, 0, 0))
    for folder, numbers in (("imagesTr", list(learnt)), ("imagesTs", list(tested))):
        for number in numbers:
            heart = Heart(number, slices=8, frames=1, pixel_mm=1.25, slice_mm=1.37)
            write_nifti(root / folder / f"la_{number:03d}.nii.gz", heart.image(0).astype(np.float32), affine)
            (root / folder / f"._la_{number:03d}.nii.gz").write_bytes(b"what a Mac leaves")
            if folder == "imagesTr":
                drawn = (heart.labels(0) == 3).astype(np.uint8)
                write_nifti(root / "labelsTr" / f"la_{number:03d}.nii.gz", drawn, affine)
    (root / "dataset.json").write_text('{"labels": {"0": "background", "1": "left atrium"}}')


def _subject(number: int, frames: int = 20) -> dict[str, np.ndarray]:
    """One slice as MATLAB has it: rows, columns, frames."""
    heart = Heart(number, slices=1, frames=frames)
    images = np.stack([heart.image(t)[:, :, 0].T for t in range(frames)], -1)
    labels = np.stack([heart.labels(t)[:, :, 0].T for t in range(frames)], -1)
    return {"image": images, "endo": (labels == 3).astype(np.uint8), "epi": (labels >= 2).astype(np.uint8)}


def write_lvquan19(root: Path, numbers: Iterable[int], tested: Iterable[int] = ()) -> None:
    """A file a patient; those that are tested on come without masks."""
    for folder, members, kept in (
        ("TrainingData_LVQuan19", numbers, ("image", "endo", "epi")),
        ("TestData_LVQuan19", tested, ("image",)),
    ):
        for number in members:
            (root / folder).mkdir(parents=True, exist_ok=True)
            found = _subject(number)
            more = {"pix_spacing": [[2.0]], "areas": np.zeros((2, 20)), "lv_phase": np.zeros((1, 20))}
            savemat(
                root / folder / f"patient{number}.mat", {key: found[key] for key in kept} | more, do_compression=True
            )


def write_lvquan18(root: Path, subjects: int) -> None:
    """All subjects in one file: normalised images, and pixels that `ratio_resize_inverse` makes larger."""
    root.mkdir(parents=True, exist_ok=True)
    found = [_subject(number) for number in range(subjects)]
    many = {key: np.concatenate([one[key] for one in found], axis=2) for key in found[0]}
    table = {"images_LV": many["image"] / 500, "endo_LV": many["endo"], "epi_LV": many["epi"]}
    table |= {"pix_spa": np.full((subjects, 1), 1.25), "ratio_resize_inverse": np.full((20, subjects), 1.6)}
    savemat(root / "cardiac-dig.mat", table | {"areas": np.zeros((2, 20 * subjects))}, do_compression=True)


def write_slices(root: Path, numbers: Iterable[int]) -> None:
    """Pictures of what was drawn: at ES one slice less than at ED, as the cavity's end rises."""
    lines = ["case,pathology,sex,age_years,ed_frame,es_frame,images"]
    for number in numbers:
        heart, case = Heart(number), f"SC-PH-{number:02d}"
        (root / case).mkdir(parents=True)
        for t in heart.ed_es:
            for z in range(heart.slices - (t > 0)):
                name = f"slice{z + 1:02d}_frame{t:02d}"
                grey = np.clip(heart.image(t)[:, :, z].T / 2, 0, 255).astype(np.uint8)
                mask = np.where(heart.labels(t)[:, :, z].T == 3, 255, 0).astype(np.uint8)
                imsave(root / case / f"{name}.png", grey, check_contrast=False)
                imsave(root / case / f"{name}_cavity.png", mask, check_contrast=False)
        lines.append(f"{case},Normal,Female,{40 + number},{heart.ed_es[0]},{heart.ed_es[1]},9")
    (root / "cases.csv").write_text("\n".join(lines) + "\n")
