"""What StratusLab adds to an OpenNebula: disks, the Marketplace, port translation, the proxy's session."""
