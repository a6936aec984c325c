"""What leaves this project holds no secret and no receipt; what comes from outside is not trusted."""
