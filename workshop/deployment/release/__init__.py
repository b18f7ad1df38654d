"""Make new code live, or return to the code that was live before."""
