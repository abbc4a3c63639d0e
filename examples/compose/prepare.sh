# Makes the database's files in its volume, unless they are there.
set -eu
[ -s /var/lib/postgres/PG_VERSION ] && exit 0
echo "a new database"
initdb -D /var/lib/postgres --no-locale --encoding=UTF8 --username=shop --auth=scram-sha-256 \
    --pwfile=/run/secrets/db_password --no-sync >/dev/null
cat >>/var/lib/postgres/postgresql.conf <<'CONF'
listen_addresses = '*'
unix_socket_directories = '/tmp'
CONF
echo "host all all all scram-sha-256" >>/var/lib/postgres/pg_hba.conf
