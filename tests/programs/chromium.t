#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# chromium, headless: a local page becomes a picture.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need chromium
cat >"$FILES/page.html" <<EOF
<!doctype html>
<title>page</title>
<link rel=stylesheet href=style.css>
<link rel=stylesheet href="file://$HIDDEN/hidden.css">
<h1>Heading</h1><div id=box></div><canvas id=c width=100 height=100></canvas><p id=p></p>
<img src=picture.svg>
<script src=part.js></script>
<script src="file://$HIDDEN/hidden.js"></script>
EOF
cat >"$FILES/style.css" <<'EOF'
body { background: #fed; font: 20px sans-serif }
#box { width: 200px; height: 100px; background: linear-gradient(red, blue) }
EOF
cat >"$FILES/part.js" <<'EOF'
const x = document.getElementById('c').getContext('2d');
for (let i = 0; i < 10; i++) { x.fillStyle = `hsl(${i * 36} 80% 50%)`; x.fillRect(i * 10, 0, 10, 100); }
document.getElementById('p').textContent = [1, 2, 3].map((n) => n * n).join(' ');
EOF
cat >"$FILES/picture.svg" <<'EOF'
<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><circle cx="25" cy="25" r="20" fill="green"/></svg>
EOF
# Seen in the picture where they are not denied.
echo 'h1, div { display: none }' >"$FILES/hidden.css"
echo 'document.body.textContent = "not hidden";' >"$FILES/hidden.js"
prepare()
{
	rm -rf "$TMPDIR/profile"
	mkdir "$TMPDIR/profile"
}
# It talks of the buses and the screens that this machine lacks.
normalise()
{
	grep -v '^\[.*\(ERROR\|WARNING\|INFO\)' | sed -E '/^[0-9]+ bytes written to file/!d'
}
list_files()
{
	find . -name '*.png' -exec cksum {} +
}
options=(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
	 --disable-background-networking --disable-component-update --disable-sync
	 --user-data-dir="$TMPDIR/profile" --hide-scrollbars '--window-size=400,400')
compare 'a screenshot' 0 '*/chromium' chromium "${options[@]}" \
	--screenshot="$TMPDIR/work/page.png" "file://$INPUT/page.html"
is "$(od -An -c -N 4 "$TMPDIR/work/page.png" | tr -d ' ')" '211PNG' 'it is a picture'
[ "$(stat -c %s "$TMPDIR/work/page.png")" -gt 3000 ]
ok $? 'and not an empty one'
done_testing
