"""The persistent disk service: REST with forms, JSON and pages."""
