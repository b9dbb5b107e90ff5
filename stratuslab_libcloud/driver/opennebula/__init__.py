"""Clouds of today's OpenNebula as Libcloud sees them: nodes, sizes, images, volumes, networks, creation."""
