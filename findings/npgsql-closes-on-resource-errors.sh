#!/usr/bin/env bash
# Npgsql closes a connection after an ordinary error of class 53 or 58 (disk full, out of memory), though the server keeps the session.
#
# Library: Npgsql 10.0.3 on .NET 10.
# Server: PostgreSQL 15.18 (Debian's postgresql-15 and postgresql-client-15 15.18-0+deb12u1, unpacked in a temporary folder).
# What one would guess: an error of severity ERROR ends the transaction and nothing else. The server is ready for the next query in the same
#   session, psql continues, and so does Npgsql after a division by zero.
# What happens: Npgsql counts a list of SQLSTATEs as fatal, among them 53100 (disk full) and 53200 (out of memory), and closes the connection
#   after throwing the exception, whose severity is still ERROR. What belonged to the session (LISTEN, prepared statements, settings, advisory
#   locks) is gone; State is Closed, no event of the server explains it, and the next command fails with "Connection is not open".
# Input: two functions that RAISE an error with an ERRCODE, one of class 22 and one of class 53; ends within a minute.
# Output seen:
#   psql: after 53100 the same session answers: still here
#   Npgsql: after 22012 ERROR the connection is Open
#   Npgsql: after 53100 ERROR the connection is Closed
set -euo pipefail
folder=$(mktemp -d)
# The process of the server itself, which is a child of the shell's; it removes its file when it has ended.
end() {
  [ ! -f data/postmaster.pid ] || kill -INT "$(head -n 1 data/postmaster.pid)" 2>/dev/null || true
  for _ in $(seq 100); do [ -f data/postmaster.pid ] || break; sleep 0.1; done
  rm -rf "$folder"
}
trap end EXIT
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

version=15.18-0+deb12u1
libraries=$(apt-cache depends postgresql-15 postgresql-client-15 | sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\)$/\1/p' | grep -v -e '^libc6$' -e '^libllvm' | sort -u)
# shellcheck disable=SC2086 # one name a word
apt-get download "postgresql-15=$version" "postgresql-client-15=$version" $libraries > download.log 2>&1 || { cat download.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:); export LD_LIBRARY_PATH
bin=$folder/root/usr/lib/postgresql/15/bin

# The server does not run as root.
as() { "$@"; }
mkdir data
if [ "$(id -u)" = 0 ]; then
  as() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
  chown nobody data; chmod a+rx "$folder"
fi
as "$bin/initdb" -D "$folder/data" -U probe -A trust -E UTF8 --no-locale > initdb.log 2>&1 || { cat initdb.log; exit 2; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as "$bin/postgres" -D "$folder/data" -p "$port" -k "" -c listen_addresses=127.0.0.1 -c jit=off > server.log 2>&1 &
for _ in $(seq 100); do "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && break; sleep 0.1; done

cat > functions.sql <<'SQL'
CREATE FUNCTION full_disk() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space' USING ERRCODE = '53100'; END $$;
CREATE FUNCTION by_zero() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'by zero' USING ERRCODE = '22012'; END $$;
SQL
"$bin/psql" -q -h 127.0.0.1 -p "$port" -U probe -d postgres -f functions.sql
answer=$("$bin/psql" -q -A -t -h 127.0.0.1 -p "$port" -U probe -d postgres 2>psql.log <<'SQL'
SELECT set_config('probe.word', 'still here', false) \g set.txt
SELECT full_disk();
SELECT current_setting('probe.word');
SQL
)
echo "psql: after 53100 the same session answers: $answer"

mkdir net
cat > net/probe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="Npgsql" Version="10.0.3" /></ItemGroup>
</Project>
PROJECT
cat > net/Program.cs <<'PROGRAM'
using System.Data;
using Npgsql;

bool isAsSeen = true;
foreach ((string function, ConnectionState seen) in new[] { ("by_zero", ConnectionState.Open), ("full_disk", ConnectionState.Closed) })
{
    await using NpgsqlConnection connection = new($"Host=127.0.0.1;Port={args[0]};Username=probe;Database=postgres;Pooling=false");
    await connection.OpenAsync();
    try
    {
        await using NpgsqlCommand command = new($"SELECT {function}()", connection);
        await command.ExecuteScalarAsync();
    }
    catch (PostgresException error)
    {
        Console.WriteLine($"Npgsql: after {error.SqlState} {error.InvariantSeverity} the connection is {connection.State}");
        isAsSeen &= connection.State == seen;
    }
}

return isAsSeen ? 0 : 1;
PROGRAM
dotnet build net -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
status=0
timeout 60 dotnet out/probe.dll "$port" || status=$?
if [ "$status" = 0 ] && [ "$answer" = "still here" ]; then
  echo "HOLDS: an ERROR of class 53 closes the connection on the side of Npgsql, and not on that of the server"
else
  echo "CHANGED: the connection stays open after it, or the server ends the session too (exit $status, '$answer')"
  exit 1
fi
