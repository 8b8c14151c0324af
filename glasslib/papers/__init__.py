"""One module a paper: its parameters, its tasks, the numbers of its figures and claims.

A module defines ``Parameters`` (what a notebook may set), the tasks of its ensembles, one function per figure that
returns arrays, and ``measure()``, which turns stored arrays into numbers for the scorecard.
"""

KEYS = ("bauschinger", "coarse_graining", "bond_expansion", "polarity", "creep")
