"""Worker and reader get large input with the memory and the disk of the template."""
