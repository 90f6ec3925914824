// Transport: placeholder.
