// MasksTests: to come.
