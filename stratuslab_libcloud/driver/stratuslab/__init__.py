"""StratusLab clouds as Libcloud sees them: nodes, sizes, images, volumes, creation."""
