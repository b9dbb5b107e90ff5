"""The sandbox's page: what the cloud holds, live, in a browser; faults to be set and lifted; the clock to be moved."""
