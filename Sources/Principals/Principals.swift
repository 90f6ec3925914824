// Principals: to come.
