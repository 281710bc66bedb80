"""What a detector learns: the file of each part, and its network."""

FILES = {
    "cascade": "cascade.xml",
    "classifier": "classifier.safetensors",
    "fitter": "fitter.safetensors",
    "locator": "locator.safetensors",
}
"""In `results/detect/{view}/fold-{fold}`."""

NETWORKS = {"classifier": "roi_cnn", "fitter": "roi_fit", "locator": "locator"}
"""Modules of lvpipe/networks."""
