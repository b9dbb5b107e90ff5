"""HTTP as the sandbox's services share it: server, credentials, content negotiation, faults, the record of requests."""
