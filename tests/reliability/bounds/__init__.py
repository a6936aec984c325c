"""Worker and reader at the memory and the disk that the template gives them, whatever arrives."""
