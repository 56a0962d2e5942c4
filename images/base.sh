#!/bin/sh
# Makes a root file system of Debian trixie, like debian:trixie-slim, where no registry answers:
#
#   images/base.sh OUT.tar ["deb MIRROR SUITE main" …]
#
# Without mirrors mmdebstrap takes its own default.
set -eu
out=$1
shift

fail() {
  echo "$1" >&2
  exit 1
}

install_package() {
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } ||
    fail "No registry answers, and the base image needs $1 to be made here. Install it: apt-get install $1"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$1" >&2
}

knows_trixie() {
  ls /usr/share/keyrings/debian-archive-trixie-stable.* >/dev/null 2>&1
}

command -v mmdebstrap >/dev/null || install_package mmdebstrap
knows_trixie || install_package debian-archive-keyring
knows_trixie || fail "The keys of Debian trixie are missing. Upgrade the package debian-archive-keyring."
keyring=$(ls /usr/share/keyrings/debian-archive-keyring.* | head -n 1)

without() {
  echo "--dpkgopt=path-exclude=/usr/share/$1/*"
}

exec mmdebstrap --quiet --variant=apt --include=ca-certificates,tzdata,netbase \
  --keyring="$keyring" "$(without man)" "$(without doc)" "$(without locale)" "$(without info)" \
  trixie "$out" "$@"
