#!/bin/sh
# Runs a command of a build stage with this host's mirrors, index and certificates (images/host/).
set -eu
if [ -f /host/sources.list ]; then
  rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
  cp /host/sources.list /etc/apt/sources.list
fi
if [ -f /host/ca.pem ]; then
  echo 'Acquire::https::CaInfo "/host/ca.pem";' >/etc/apt/apt.conf.d/90host
  export PIP_CERT=/host/ca.pem
fi
if [ -f /host/pip.conf ]; then
  export PIP_CONFIG_FILE=/host/pip.conf
fi
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
install_packages() {
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$@" >/tmp/apt.log 2>&1 || { tail -n 20 /tmp/apt.log; exit 1; }
  rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /tmp/*
}
case $1 in
  install) shift; install_packages "$@" ;;
  *) exec "$@" ;;
esac
