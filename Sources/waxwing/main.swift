// waxwing: placeholder.
