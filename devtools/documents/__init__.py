"""The documents' generated parts, and how the documents are run."""
