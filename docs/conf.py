"""The book, for Sphinx. tools/book.py builds it: the pages are not read from here, but from target/book/source."""

project = "vestibule"
copyright = "the authors of vestibule"
author = "the authors of vestibule"

extensions = ["myst_parser"]
root_doc = "index"
language = "en"
source_suffix = {".md": "markdown"}

# Links to headings, as forges name them.
myst_heading_anchors = 4
# The declarations of the reference stand between colons.
myst_enable_extensions = ["colon_fence"]

# References that lead nowhere are errors. These types are those of <stdint.h> and <stddef.h>.
nitpicky = True
nitpick_ignore = [
    ("c:identifier", name)
    for name in ("size_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "int32_t")
]

html_theme = "furo"
html_title = "vestibule"
html_copy_source = False
html_show_sourcelink = False
# No date and no name of a machine: the same sources make the same book.
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": True}
pygments_style = "default"
