// VaultKeys: to come.
