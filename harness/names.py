"""How files of images and columns of tables are called. Nothing here needs more than Python: the host asks, too."""

from __future__ import annotations

EXTENSIONS = {
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".gif", ".tif", ".tiff", ".pbm", ".pgm", ".ppm",
}  # fmt: skip
JUNK = {"thumbs.db", "desktop.ini", "__macosx"}
"""What Windows and macOS leave behind; counted as hidden, as is everything that begins with a dot."""
FILE_COLUMNS = (
    "file", "filename", "file_name", "filepath", "file_path", "path", "image", "image_path", "image_name", "image_id",
    "img", "id_code", "id",
)  # fmt: skip
"""Names of columns of files, the most telling first."""
