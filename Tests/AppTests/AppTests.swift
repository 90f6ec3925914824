// AppTests: placeholder.
