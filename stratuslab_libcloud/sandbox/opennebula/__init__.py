"""OpenNebula's XML-RPC of today: ``/RPC2``, and the documents that it answers with."""
