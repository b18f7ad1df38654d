"""The only code that uses MiniStack's private names."""
