"""The grids of strain and time on which curves of the creep paper are kept, of lattice and particles alike."""

import numpy as np


def start_up_strains(strain):
    """Return the strains at which stresses of start-up are kept."""
    return np.linspace(0, strain, 501)


def creep_times(duration):
    """Return the edges of the intervals, equal in log time, over which creep rates are averaged."""
    return np.geomspace(1.0, duration, 41)


def binned(time, values, edges):
    """Return the means (len(edges) - 1,) between ``edges`` of values that are averages over intervals ending at ``time``."""
    total = np.concatenate([[0.0], np.cumsum(values * np.diff(time, prepend=0.0))])
    at_edges = np.interp(edges, np.concatenate([[0.0], time]), total)
    return np.diff(at_edges) / np.diff(edges)
