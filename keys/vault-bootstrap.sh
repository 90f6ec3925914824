#!/bin/sh
# Prepares HashiCorp Vault or OpenBao for Waxwing: a transit mount, keys, a policy, an AppRole.
# It can be run again; what is there stays as it is, but for the policy, which is written anew.
#
#   VAULT_ADDR=https://vault:8200 VAULT_TOKEN=... sh keys/vault-bootstrap.sh payments orders
#   BAO_ADDR=https://bao:8200 BAO_TOKEN=... CLI=bao sh keys/vault-bootstrap.sh payments
#
# The token that runs it administers mounts, policies and log-ins. Waxwing never gets it.
# Afterwards the role id is printed, and the secret id goes into the file SECRET_ID_FILE.
set -eu

CLI=${CLI:-vault}                            # vault or bao
MOUNT=${MOUNT:-transit}                      # of the transit engine
PREFIX=${PREFIX:-}                           # of key names; the policy then allows only these
POLICY=${POLICY:-waxwing}
AUTH_MOUNT=${AUTH_MOUNT:-approle}
ROLE=${ROLE:-waxwing}
TOKEN_TTL=${TOKEN_TTL:-1h}
SECRET_ID_TTL=${SECRET_ID_TTL:-0}            # 0: does not end
ROTATION=${ROTATION:-2160h}                  # automatic rotation of each key; 0 for none
SECRET_ID_FILE=${SECRET_ID_FILE:-}           # empty: no secret id is made

fail() {
  echo "vault-bootstrap: $1" >&2
  exit 1
}

command -v "$CLI" >/dev/null 2>&1 || fail "no $CLI on the PATH; set CLI to vault or bao"
[ $# -gt 0 ] || fail "name at least one key"
for text in "$MOUNT" "$AUTH_MOUNT"; do
  case "$text" in
    "" | /* | */ | *[!A-Za-z0-9._/-]*) fail "not a mount path: $text" ;;
  esac
done
for key in "$@"; do
  case "$key" in
    "" | *[!A-Za-z0-9._-]*) fail "not a key name (A-Z a-z 0-9 . _ -): $key" ;;
    "$PREFIX"*) ;;
    *) fail "key $key does not start with $PREFIX" ;;
  esac
done
case "$PREFIX" in *[!A-Za-z0-9._-]*) fail "not a key prefix: $PREFIX" ;; esac

policy_file=$(dirname "$0")/vault-policy.hcl
[ -r "$policy_file" ] || fail "no $policy_file"

if "$CLI" secrets list | grep -q "^$MOUNT/ "; then
  echo "mount $MOUNT is there"
else
  "$CLI" secrets enable -path="$MOUNT" transit
fi

for key in "$@"; do
  if "$CLI" read "$MOUNT/keys/$key" >/dev/null 2>&1; then
    echo "key $key is there"
  else
    # Not exportable and not deletable, which is what the server does unless told otherwise.
    "$CLI" write "$MOUNT/keys/$key" type=aes256-gcm96 auto_rotate_period="$ROTATION" >/dev/null
    echo "key $key was made"
  fi
done

sed -e "s|\"transit/|\"$MOUNT/|" -e "s|/\*\"|/$PREFIX*\"|" "$policy_file" |
  "$CLI" policy write "$POLICY" -

if "$CLI" auth list | grep -q "^$AUTH_MOUNT/ "; then
  echo "log-in method $AUTH_MOUNT is there"
else
  "$CLI" auth enable -path="$AUTH_MOUNT" approle
fi
"$CLI" write "auth/$AUTH_MOUNT/role/$ROLE" token_policies="$POLICY" token_ttl="$TOKEN_TTL" \
  secret_id_ttl="$SECRET_ID_TTL" >/dev/null
echo "role id: $("$CLI" read -field=role_id "auth/$AUTH_MOUNT/role/$ROLE/role-id")"

if [ -n "$SECRET_ID_FILE" ]; then
  # Readable by nobody else from the first byte on, and in place in one step.
  umask 077
  new="$SECRET_ID_FILE.new"
  rm -f "$new"
  "$CLI" write -f -field=secret_id "auth/$AUTH_MOUNT/role/$ROLE/secret-id" >"$new"
  mv "$new" "$SECRET_ID_FILE"
  echo "secret id: in $SECRET_ID_FILE"
fi
