#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sqlite3: four writers on one database, with both kinds of journal.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need sqlite3
cat >"$FILES/script" <<'EOF'
set -e
for mode in delete wal; do
	db=$mode.db
	sqlite3 "$db" "pragma journal_mode=$mode; create table t (writer int, n int, primary key (writer, n));"
	pids=
	for writer in 1 2 3 4; do
		(for n in $(seq 1 5); do
			echo ".timeout 60000"
			for m in $(seq 1 10); do
				echo "begin immediate; insert into t values ($writer, $n * 100 + $m); commit;"
			done
		done | sqlite3 -bail "$db") &
		pids="$pids $!"
	done
	for pid in $pids; do wait "$pid"; done
	sqlite3 "$db" "select writer, count(*), sum(n) from t group by writer; pragma integrity_check;"
	sqlite3 "$db" .dump | sort | cksum
	sqlite3 "$db" "vacuum into 'copy-$mode.db'; attach 'copy-$mode.db' as c; select count(*) from c.t;"
done
sqlite3 "$INPUT/input.db" "select * from names; pragma integrity_check;"
sqlite3 new.db ".read '$INPUT/names.sql'" "attach '$INPUT/input.db' as other;
	insert into names select * from other.names; select count(*) from names;"
sqlite3 "$INPUT/input.db" "insert into names values ('three', 3); select sum(n) from names;"
sqlite3 new.db "attach 'file:$HIDDEN/input.db?mode=ro' as other; select * from other.names;" || echo "hidden: $?"
sqlite3 "$KEPT/program" "create table t (n int);" || echo "kept: $?"
sqlite3 delete.db 'insert into t values (1, 101);'
EOF
cat >"$FILES/names.sql" <<'EOF'
create table names (name text, n int);
insert into names values ('one', 1), ('two', 2);
EOF
sqlite3 "$FILES/input.db" <"$FILES/names.sql"
# Databases hold rows in the order of the writers.
list_files()
{
	find . -type f | sort
}
compare 'concurrent writers' 19 '*/sqlite3' bash "$INPUT/script"
done_testing
