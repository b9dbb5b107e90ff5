"""One HTTP session a service: credentials, TLS, time limits, pooling, what may be repeated, errors, the wire log."""
