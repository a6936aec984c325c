"""Services that are gone, slow or flapping while writes go on: nothing may be lost."""
