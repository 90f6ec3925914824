#!/bin/sh
# Prepares a machine for the conformance suite: Debian packages, then a Python environment in .venv.
# As root it installs what is missing; without root it names what is missing and goes on.
set -u
cd "$(dirname "$0")/.." || exit 1

# What the build needs, then what only the suite needs.
packages="pkg-config libssl-dev zlib1g-dev liblz4-dev libzstd-dev libsnappy-dev libyaml-dev
libcurl4-openssl-dev python3 python3-venv kcat haproxy iproute2 util-linux"
if [ -z "${JAVA_HOME:-}" ] && ! command -v java >/dev/null 2>&1; then
  packages="$packages openjdk-17-jre-headless"
fi

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  case "$status" in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
  esac
done
# A Python that is not Debian's brings its own venv module.
if python3 -c 'import venv, ensurepip' 2>/dev/null; then
  missing=$(printf '%s' "$missing" | sed 's/ python3-venv//; s/ python3\( \|$\)/\1/')
fi

if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "setup: installing$missing"
    apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
        >/dev/null || echo "setup: apt-get failed; going on without:$missing" >&2
  else
    echo "setup: not root, so these packages stay missing:$missing" >&2
    echo "setup: install them with: apt-get install$missing" >&2
  fi
fi

if [ -n "$(command -v swift)" ]; then :; else
  echo "setup: no swift on the PATH; Waxwing needs Swift 6.3 or later to build" >&2
fi

# The environment is made again when the list of what belongs into it has changed.
wanted=$(cksum <conformance/requirements.txt)
if [ "$(cat .venv/requirements.cksum 2>/dev/null)" != "$wanted" ]; then
  rm -rf .venv
  if python3 -m venv .venv &&
    .venv/bin/python -m pip install -q --disable-pip-version-check -r conformance/requirements.txt
  then
    printf '%s\n' "$wanted" >.venv/requirements.cksum
  else
    echo "setup: the Python environment could not be made; see the lines above" >&2
    rm -rf .venv
    exit 1
  fi
fi
