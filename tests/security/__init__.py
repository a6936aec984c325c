"""What leaves this project holds no secret and no receipt; what comes in is not trusted."""
