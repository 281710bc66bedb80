"""A cascade that proposes squares: multi-block local binary patterns, boosted, saved as OpenCV's programs save it."""
