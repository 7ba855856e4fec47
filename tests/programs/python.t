#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# python3: threads, subprocesses, a pool, signals, sockets, asyncio.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need python3
cat >"$FILES/script.py" <<'EOF'
import asyncio, concurrent.futures, glob, hashlib, json, multiprocessing, os, queue
import shutil, signal, socket, subprocess, sys, tempfile, threading, time

def hash_file(name):
    with open(name, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()

def square(x):
    open('/dev/null').close()
    return x * x

def main():
    for i in range(40):
        with open(f'f{i:02}', 'w') as f:
            f.write(f'{i}\n' * 1000)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(hash_file, sorted(glob.glob('f*')) * 10))
    print('threads', hashlib.sha256(''.join(sums).encode()).hexdigest())

    q, out = queue.Queue(), []
    lock = threading.Lock()
    def worker():
        while (item := q.get()) is not None:
            r = subprocess.run(['sh', '-c', f'echo {item}; exit {item % 5}'],
                               capture_output=True, text=True)
            with lock:
                out.append((item, r.stdout.strip(), r.returncode))
    threads = [threading.Thread(target=worker) for _ in range(6)]
    for t in threads: t.start()
    for i in range(60): q.put(i)
    for t in threads: q.put(None)
    for t in threads: t.join()
    print('subprocesses from threads', sorted(out)[:7], len(out))

    p1 = subprocess.Popen(['seq', '1', '10000'], stdout=subprocess.PIPE)
    p2 = subprocess.Popen(['tail', '-n', '2'], stdin=p1.stdout, stdout=subprocess.PIPE, text=True)
    p1.stdout.close()
    print('pipeline', p2.communicate()[0].split(), p1.wait())

    for method in ('fork', 'spawn'):
        with multiprocessing.get_context(method).Pool(3) as pool:
            print(method, sum(pool.map(square, range(100))))

    got = []
    signal.signal(signal.SIGALRM, lambda *_: got.append('alarm'))
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    for _ in range(300):
        os.stat('f00'); open('f01').close()
    while len(got) < 3:
        time.sleep(0.5)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print('signals', got[:3])

    server = socket.create_server((os.environ['SERVER'], 0))
    def serve():
        for _ in range(20):
            conn, _ = server.accept()
            with conn:
                conn.sendall(conn.recv(100).upper())
    t = threading.Thread(target=serve); t.start()
    answers = set()
    for i in range(20):
        with socket.create_connection((os.environ['PEER'], server.getsockname()[1])) as c:
            c.sendall(b'hello'); answers.add(c.recv(100))
    t.join()
    print('sockets', answers)
    u = socket.socket(socket.AF_UNIX); u.bind('unix.sock'); u.listen()
    c = socket.socket(socket.AF_UNIX); c.connect('unix.sock')
    print('unix', u.accept()[1], os.path.exists('unix.sock'))
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind((os.environ['SERVER'], 0))
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b.sendmsg([b'x', b'yz'], [], 0, (os.environ['PEER'], a.getsockname()[1]))
    print('datagram', a.recv(10))

    def mediated(i):
        env, errors = os.environ, []
        for attempt in (lambda: open(env['HIDDEN'] + '/part.py'), lambda: open(env['KEPT'] + '/program', 'w'),
                        lambda: subprocess.run([env['FORBIDDEN'], '--never']),
                        lambda: socket.create_connection((env['NOBODY'], 9))):
            try:
                attempt()
            except OSError as e:
                errors.append(e.errno)
        return (open(env['INPUT'] + '/part.py').read(), errors,
                subprocess.run([env['TOOL'], str(i)], capture_output=True).stdout)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        print('mediated', list(pool.map(mediated, range(20))))
    import part
    print(part.what)

    async def many():
        async def one(i):
            p = await asyncio.create_subprocess_exec('echo', str(i), stdout=subprocess.PIPE)
            return int((await p.communicate())[0])
        return sum(await asyncio.gather(*(one(i) for i in range(30))))
    print('asyncio', asyncio.run(many()))

    os.makedirs('tree/a/b'); os.symlink('../a', 'tree/link')
    shutil.copytree('tree', 'copy', symlinks=True)
    print('walk', sorted(sum(([r] + d + f for r, d, f in os.walk('copy')), [])))
    fd = os.open('tree', os.O_RDONLY)
    os.mkdir('made', dir_fd=fd); os.rename('made', 'moved', src_dir_fd=fd, dst_dir_fd=fd)
    print('dir_fd', sorted(os.listdir(fd)), os.readlink('link', dir_fd=fd))
    os.chmod('f00', 0o600); os.truncate('f00', 5); os.utime('f00', (1, 2))
    st = os.stat('f00'); print('metadata', oct(st.st_mode), st.st_mtime, st.st_size)
    for bad in ('nothing', 'f00/x', 'x' * 300, '', 'y/' * 2100):
        try:
            open(bad)
        except OSError as e:
            print('error', e.errno)
    with tempfile.TemporaryDirectory(dir='.') as d:
        print(os.path.isdir(d))
    pid = os.fork()
    if pid == 0:
        os.execv('/bin/sh', ['sh', '-c', 'kill -9 $$'])
    print('wait', os.waitpid(pid, 0)[1])
    print('environment', subprocess.run(['env', '-i', 'A=b', 'env'], capture_output=True).stdout)
    sys.exit(3)

if __name__ == '__main__':
    main()
EOF
echo "what = 'a module'" >"$FILES/part.py"
compare 'threads and subprocesses' 3 '*/python3*' python3 -B "$INPUT/script.py"
done_testing
