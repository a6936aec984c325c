"""Kills and stops workers, at random and at chosen moments, while writes continue."""
