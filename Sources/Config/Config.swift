// Config: placeholder.
