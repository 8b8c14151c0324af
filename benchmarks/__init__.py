"""Independent programs that the engines are measured against, and the measurements."""
