// Loop: placeholder.
