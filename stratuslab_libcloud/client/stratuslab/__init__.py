"""What StratusLab adds to an OpenNebula: its proxy, disks, the Marketplace, port translation."""
