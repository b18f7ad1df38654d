"""What the pipeline tells people: on GitHub's pages, and by its last gate."""
