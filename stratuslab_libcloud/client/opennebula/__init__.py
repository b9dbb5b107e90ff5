"""OpenNebula: XML-RPC, machines and their states, templates, contextualization."""
