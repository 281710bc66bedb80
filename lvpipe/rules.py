"""Every rule that can mend, drop or reject, by its name in ledgers; docs/convert.md has an example of each."""

RULES = {
    # Files and frames, before slices are known.
    "drop_unreadable": "a file that is no image with spacing and position is left out",
    "blank_missing_frames": "images that a sparse source does not have are blank",
    "place_by_slice_location": "without a position in patient space, SliceLocation gives it",
    "split_by_position": "several positions in a folder of one slice become several slices",
    "settle_frames": "frames that lie a little beside most of their slice are taken to lie with them",
    # Slices.
    "drop_other_planes": "a slice that is tilted against the stack goes",
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
    "mistrust_time": "one frame's trigger time that does not fit is not used",
    "order_by_trigger_time": "numbers that contradict the trigger times give way",
    "match_cycle": "another number of frames over the same cycle is carried to the usual steps",
    "keep_common_frames": "only steps of the cycle that every slice has stay",
    "times_from_cycle": "without trigger times, frames are equal steps of the cycle",
    # The image.
    "carry_to_grid": "a slice on another pixel grid is carried to that of most",
    "fill_gaps": "a missing slice is interpolated from its neighbours",
    "uneven_positions": "slices at uneven distances are drawn at equal ones",
    "drop_contour": "a contour that is malformed, or on an image that is not in the cine, is left out",
    # The case.
    "reject_empty": "no short-axis image was found",
    "reject_unreadable": "no file can be read",
    "reject_few_slices": "too few slices are left",
    "reject_few_frames": "too few frames are left",
}
