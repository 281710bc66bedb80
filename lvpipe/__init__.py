"""From short-axis cine MRI to left-ventricle volumes with honest uncertainty."""
