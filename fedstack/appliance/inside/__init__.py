"""Scripts that the image's own interpreter runs: Flower is importable there, fedstack is not."""
