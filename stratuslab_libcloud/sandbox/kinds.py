"""The kinds of cloud that a sandbox can be, as a configuration file names them."""

STRATUSLAB = "stratuslab"
OPENNEBULA = "opennebula"
