"""What a packing of particles is, and its mechanics."""
