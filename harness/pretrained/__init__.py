"""Pretrained weights before any run: which there are for timm, and files of them made what timm reads."""
