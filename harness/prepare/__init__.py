"""Turns any source of images into the one on-disk form; numpy and Pillow only, memory flat in the number of images."""
