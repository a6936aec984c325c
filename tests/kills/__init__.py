"""Workers are killed and stopped, at random and at chosen moments, while writes go on."""
