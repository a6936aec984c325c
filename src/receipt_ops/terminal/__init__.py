"""The command line itself: its table of commands, its endings, its output."""
