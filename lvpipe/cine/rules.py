"""Every rule that can mend, drop or reject, by its name in ledgers; docs/convert.md has an example of each."""

RULES = {
    # Files and frames, before slices are known.
    "drop_unreadable": "a file that is no image with spacing and position is left out",
    "skip_other_files": "files of a folder that are no DICOM are left out",
    "skip_unplaced": "DICOM files without an image that says where it lies are left out",
    "drop_copies": "of files with the same header one stays",
    "choose_study": "of several studies in a folder the one with the best short-axis cine stays",
    "choose_stack": "of several short-axis stacks the best stays",
    "cine_of_single_frames": "without a 4D file, the frames that are there apart are the cine",
    "check_ed_es": "what is drawn counts where a source's sheet names other frames",
    "blank_missing_frames": "images that a sparse source does not have are blank",
    "place_by_slice_location": "without a position in patient space, SliceLocation gives it",
    "space_by_other_field": "without PixelSpacing another field gives it",
    "invert_monochrome1": "images with the greatest value black are inverted",
    "blank_padding": "padding around an image becomes as dark as its darkest pixel",
    "blank_bad_values": "what is no finite number becomes 0",
    "round_wide_values": "whole numbers beyond 32 bits become float32",
    "ignore_trailing_bytes": "bytes behind the voxels that a header claims are not used",
    "prefer_sform": "of what a NIfTI header says twice and differently, the sform counts",
    "place_by_voxel_size": "without qform and sform, voxel sizes place the voxels",
    "guess_unit": "a unit of length or time that makes no sense gives way to one that does",
    "find_slice_axis": "slices lie across the axis along which voxels are longest",
    "split_by_position": "several positions in a folder of one slice become several slices",
    "settle_frames": "frames that lie a little beside most of their slice are taken to lie with them",
    # Slices.
    "drop_other_planes": "a slice that is tilted against the stack goes",
    "drop_other_scales": "a slice with pixels of another size altogether goes",
    "drop_blank": "a slice of which no image shows anything goes",
    "note_blank": "single images that show nothing are noted",
    "split_repeats": "a multiple of the usual frames in one place becomes several acquisitions",
    "drop_incomplete": "a slice with too few of the usual frames goes",
    "keep_last_acquired": "of slices at one position the last acquired stays",
    "keep_most_alike": "of slices at one position the one most like its neighbours stays",
    "drop_outlying": "a slice far away from the stack goes",
    "drop_stray_end": "a slice beyond an end of the stack at an irregular distance goes",
    "drop_between": "a slice between the regular positions goes",
    "lay_flat": "a slice that is slightly tilted is drawn as if it lay parallel",
    "note_gaps": "a missing slice is noted",
    # The cycle.
    "order_by_number": "without usable trigger times, numbers order the frames",
    "mistrust_time": "trigger times that do not fit are not used: one frame's, or those of a slice",
    "order_by_trigger_time": "numbers that contradict the trigger times give way",
    "match_cycle": "another number of frames over the same cycle is carried to the usual steps",
    "keep_common_frames": "only steps of the cycle that every slice has stay",
    "times_from_cycle": "without trigger times, frames are equal steps of the cycle",
    # The image.
    "carry_to_grid": "a slice on another pixel grid is carried to that of most",
    "fill_gaps": "a missing slice is interpolated from its neighbours",
    "uneven_positions": "slices at uneven distances are drawn at equal ones",
    "drop_labels": "labels that do not fit their image are left out",
    "skip_empty_labels": "a frame in which nothing is drawn is not annotated",
    "labels_by_voxel": "labels whose header contradicts the image's are taken voxel by voxel",
    "drop_contour": "a contour that is malformed, or on an image that is not in the cine, is left out",
    # The case.
    "reject_empty": "no short-axis image was found",
    "reject_unreadable": "no file can be read",
    "reject_few_slices": "too few slices are left",
    "reject_few_frames": "too few frames are left",
}

ON_LABELS = frozenset({"drop_labels", "skip_empty_labels", "labels_by_voxel", "drop_contour"})
"""Rules about what was drawn: they leave the images themselves as they were."""
