"""Customer files: read, checked row by row, loaded once, given back where they are refused, undone while nothing rests on them."""
