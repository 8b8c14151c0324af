"""From arrays to numbers; knows neither packings nor lattices."""
