// PrincipalsTests: to come.
