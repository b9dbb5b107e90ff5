"""For people at a terminal or in a notebook: lists as tables, and how far a call is. Needs `rich` (extra: [show])."""
