#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# chromium, headless: a local page becomes a picture.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need chromium
prepare()
{
	rm -rf "$TMPDIR/profile"
	mkdir "$TMPDIR/profile"
	cat >page.html <<'EOF'
<!doctype html>
<title>page</title>
<style>body { background: #fed; font: 20px sans-serif } #box { width: 200px; height: 100px; background: linear-gradient(red, blue) }</style>
<h1>Heading</h1><div id=box></div><canvas id=c width=100 height=100></canvas><p id=p></p>
<script>
const x = document.getElementById('c').getContext('2d');
for (let i = 0; i < 10; i++) { x.fillStyle = `hsl(${i * 36} 80% 50%)`; x.fillRect(i * 10, 0, 10, 100); }
document.getElementById('p').textContent = [1, 2, 3].map((n) => n * n).join(' ');
</script>
EOF
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
# shellcheck disable=SC2054 # the comma is chromium's
options=(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
	 --disable-background-networking --disable-component-update --disable-sync
	 --user-data-dir="$TMPDIR/profile" --hide-scrollbars --window-size=400,400)
compare 'a screenshot' 0 chromium "${options[@]}" --screenshot="$TMPDIR/work/page.png" \
	"file://$TMPDIR/work/page.html"
is "$(od -An -c -N 4 "$TMPDIR/work/page.png" | tr -d ' ')" '211PNG' 'it is a picture'
[ "$(stat -c %s "$TMPDIR/work/page.png")" -gt 3000 ]
ok $? 'and not an empty one'
done_testing
