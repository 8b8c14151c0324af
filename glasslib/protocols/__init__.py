"""What an experimenter does: prepare, shear, let flow, probe locally."""
