"""The pages are run: their commands, in their order, and what they print beside what they show."""
