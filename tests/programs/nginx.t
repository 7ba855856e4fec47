#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# nginx serves and curl fetches, on loopback.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need nginx curl
cat >"$FILES/script" <<'EOF'
mkdir -p site/sub logs tmp
for i in $(seq 1 20); do seq 1 $((i * 500)) >"site/f$i"; done
echo index >site/sub/index.html
me=$(id -un)
cat >nginx.conf <<CONF
worker_processes 2;
daemon off;
pid $PWD/nginx.pid;
error_log $PWD/logs/error.log;
$([ "$(id -u)" != 0 ] || echo "user $me;")
events { worker_connections 64; }
http {
	access_log $PWD/logs/access.log;
	client_body_temp_path $PWD/tmp/body;
	proxy_temp_path $PWD/tmp/proxy;
	fastcgi_temp_path $PWD/tmp/fastcgi;
	uwsgi_temp_path $PWD/tmp/uwsgi;
	scgi_temp_path $PWD/tmp/scgi;
	sendfile on;
	server {
		listen $SERVER:7631;
		listen unix:$PWD/socket;
		root $PWD/site;
		location /proxied/ { proxy_pass http://$PEER:7631/; }
		location /refused/ { return 403; }
		location /hidden/ { alias $HIDDEN/; }
		include $INPUT/part.conf;
	}
}
CONF
nginx -p "$PWD" -e "$PWD/logs/error.log" -c "$PWD/nginx.conf" &
nginx=$!
fetch()
{
	curl -s --noproxy '*' "$@"
}
# It listens before it writes its pid; curl asks again while it does not yet.
fetch --retry 100 --retry-connrefused --retry-delay 1 -o /dev/null http://$PEER:7631/f1
for i in $(seq 1 20); do fetch "http://$PEER:7631/f$i" | cksum; done
for i in $(seq 1 20); do fetch -o "out$i" "http://$PEER:7631/proxied/f$i" & pids="${pids-} $!"; done
for pid in $pids; do wait "$pid"; echo "curl $?"; done
cat out? out?? | cksum
fetch http://$PEER:7631/sub/
fetch --unix-socket socket http://anything/sub/index.html
fetch -o /dev/null -w '%{http_code}\n' http://$PEER:7631/missing
fetch -o /dev/null -w '%{http_code}\n' http://$PEER:7631/refused/x
fetch http://$PEER:7631/input/served
fetch -K "$INPUT/curlrc" http://$PEER:7631/hidden/served
fetch -F file=@"$HIDDEN/served" http://$PEER:7631/ || echo "hidden: $?"
fetch -o "$KEPT/program" http://$PEER:7631/f1 || echo "kept: $?"
fetch -r 10-30 http://$PEER:7631/f9
fetch -I http://$PEER:7631/f2 | grep -iE '^(HTTP|content-length)'
fetch http://$NOBODY:7639/; echo "nobody listens: $?"
kill -QUIT "$nginx"
wait "$nginx"
echo "nginx $?"
cut -d' ' -f6- logs/access.log | sort | uniq -c
EOF
echo served >"$FILES/served"
# shellcheck disable=SC2016 # for nginx
echo 'location /input/ { alias $input/; }' | sed "s|\$input|$INPUT|" >"$FILES/part.conf"
printf 'output = /dev/null\nwrite-out = "%%{http_code}\\n"\n' >"$FILES/curlrc"
list_files()
{
	find . -type f | sort
}
compare 'a server and its clients' 0 '*/nginx' bash "$INPUT/script"
done_testing
