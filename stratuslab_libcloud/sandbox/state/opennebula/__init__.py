"""An OpenNebula cloud of today, 6.10 or 7.4, as its users meet it: the rules, no wire formats."""
