"""OpenNebula's words: XML-RPC, machines and their states, templates, contextualization."""
