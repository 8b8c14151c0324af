"""One module or package a paper: its parameters, its simulations, the numbers of its figures and claims.

``campaign`` says what a paper has to define; ``results`` brings its arrays to its page; ``glasses`` and ``maps`` are what
papers share, ``costs`` says what each simulation costs.
"""

KEYS = ("bauschinger", "coarse_graining", "bond_expansion", "polarity", "creep")
