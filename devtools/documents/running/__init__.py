"""Run the commands of the pages in order, and compare their outputs with the page."""
