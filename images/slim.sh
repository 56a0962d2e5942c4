#!/bin/sh
# Takes out of a root file system what a container without root and without network never uses.
set -eu
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/90host /host \
  /usr/share/doc/* /usr/share/man/* /usr/share/info/* /usr/share/locale/* /usr/share/lintian \
  /usr/share/perl5 /var/cache/* /var/lib/apt/* /var/log/* /tmp/* /root/.[a-z]*
echo 'dotmac:x:10001:10001:DotMac:/tmp:/usr/sbin/nologin' >>/etc/passwd
echo 'dotmac:x:10001:' >>/etc/group
