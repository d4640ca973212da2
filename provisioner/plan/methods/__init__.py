"""How a guest's installer starts: one file for each method."""
