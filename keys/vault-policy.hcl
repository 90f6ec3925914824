# What Waxwing may do in HashiCorp Vault or OpenBao: make and open data keys, nothing else.
# It cannot create, rotate, export, configure or delete a key, and reads no other engine.
# keys/vault-bootstrap.sh puts another mount and a key prefix in for "transit" and before the stars.

# Data keys for sealing, with their wrapped form.
path "transit/datakey/plaintext/*" {
  capabilities = ["update"]
}

# Data keys of stored records. A Waxwing that only seals can do without.
path "transit/decrypt/*" {
  capabilities = ["update"]
}

# The kind and the versions of a key, so that the check at start can say what is wrong with it.
# Optional: no key material is in it.
path "transit/keys/*" {
  capabilities = ["read"]
}

# Its own token: to ask how long it lives and to renew it. The policy "default" allows the same.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
