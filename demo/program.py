# SPDX-License-Identifier: LGPL-2.1-or-later
import subprocess, urllib.request

print("file:      ", open("/etc/passwd").readline().strip())
print("connection:", urllib.request.urlopen("http://192.0.2.1/").read().decode().strip())
print("child:     ", subprocess.run(["id"], capture_output=True, text=True).stdout.strip())
