"""The ways to find the heart, one module each, chosen by name: `find(scene, settings) -> Finding`."""
