"""Builds the distribution; all but the description's links stands in pyproject.toml."""

import re
from pathlib import Path

from setuptools import setup

FILES = "https://github.com/StratusLab/libcloud-drivers/blob/master/"
PICTURES = "https://raw.githubusercontent.com/StratusLab/libcloud-drivers/master/"

# Where the package index shows the README, links to files beside it would lead nowhere.
readme = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
readme = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\g<1>{PICTURES}", readme)
setup(
    long_description=re.sub(r"\]\((?!https?:|#)", f"]({FILES}", readme),
    long_description_content_type="text/markdown",
)
