"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from stratuslab_libcloud import __version__

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "stratuslab-libcloud-drivers"
author = "The StratusLab drivers' maintainers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_design", "docstrings"]
exclude_patterns = ["_*"]
nitpicky = True
# Types in signatures are shown as they are written; what texts refer to has to exist.
nitpick_ignore_regex = [
    ("py:class", ".*"),
    ("py:exc", "(NotImplemented|Type|Value|Runtime|OS)Error"),
    ("py:obj", "Node|Node(Auth|Image|Location|Size|State).*|KeyPair|Path"),
]
suppress_warnings = ["ref.python"]  # types in signatures: both drivers have their NodeOptions

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 80

# Nothing of the site comes from elsewhere.
html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "Libcloud for StratusLab and OpenNebula"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "sidebar_hide_name": False,
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#0d4f7a",
        "color-brand-content": "#1566a0",
        "color-api-name": "#0d4f7a",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc4ee",
        "color-brand-content": "#7cc4ee",
        "color-api-name": "#7cc4ee",
    },
    "source_repository": "https://github.com/StratusLab/libcloud-drivers/",
    "source_branch": "master",
    "source_directory": "docs/",
}

# The buttons of code blocks copy what is typed, without prompts and what the commands print.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_line_continuation_character = "\\"

linkcheck_anchors = False
linkcheck_ignore = [r"http://127\.0\.0\.1.*"]
