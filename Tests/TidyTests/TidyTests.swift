// TidyTests: placeholder.
