"""One module a paper: its parameters, its tasks, the numbers of its figures and claims."""
