"""Dead-letter queues: reading, explaining, redriving and replaying their messages."""
