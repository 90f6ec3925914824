// JSON: to come.
