// VaultKeysTests: to come.
