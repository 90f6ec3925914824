// Records: placeholder.
