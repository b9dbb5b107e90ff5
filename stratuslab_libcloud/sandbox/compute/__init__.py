"""The compute service: OpenNebula's XML-RPC behind StratusLab's proxy."""
