"""HTTP: one session for each service, with credentials, TLS, time limits, retries, errors and the wire log."""
