"""Services are down, slow or flapping while writes continue. Nothing may be lost."""
