"""What an elasto-plastic lattice is, and its mechanics."""
