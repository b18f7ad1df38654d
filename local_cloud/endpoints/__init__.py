"""What the server answers itself, in front of MiniStack."""
