#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pointsman report: what a page says of an audit, and that nothing in it is more than text.
import html.parser
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import LIMIT, PM, same  # noqa: E402

TAGS = {'html', 'head', 'meta', 'title', 'style', 'body', 'h1', 'h2', 'p', 'ul', 'li', 'b',
        'table', 'tbody', 'tr', 'th', 'td', 'code', 'div', 'i'}
ATTRIBUTES = {'lang', 'charset', 'http-equiv', 'content', 'name', 'class', 'style', 'title'}
EVIL = ['<script>document.title="owned"<', '"><img src=x onerror=alert(1)>', "' onload='x",
        '</td></table><h1>x', '&lt;b&gt;&amp;', ']]><!--', '\\x3cscript>', '\x1b[31m', '\u202egnp',
        '</title><style>*{display:none}']


class Page(html.parser.HTMLParser):
    """The tables of a page, by their headings, and that it is made of what it may be."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.text, self.heading, self.cell, self.inside = {}, '', '', None, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, (tag, name, value)
            if name == 'style':
                assert re.fullmatch(r'(padding-left:[\d.]+em|left:[\d.]+%;width:[\d.]+%)', value), value
        self.inside.append(tag)
        if tag == 'table':
            self.tables[self.heading] = []
        elif tag == 'tr':
            self.tables[self.heading].append([])
        elif tag in ('td', 'th'):
            self.cell = ''
        elif tag == 'h2':
            self.heading = ''

    def handle_endtag(self, tag):
        if tag in ('td', 'th'):
            self.tables[self.heading][-1].append(self.cell)
            self.cell = None

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_data(self, data):
        self.text += data
        if self.cell is not None:
            self.cell += data
        elif self.inside[-1:] == ['h2'] and data.strip():
            self.heading += data


def report(*argv, **more):
    more.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run([PM, 'report', *argv], capture_output=True, timeout=LIMIT, check=False,
                          **more)


def call(number, verdict='allow', **more):
    """A line of an audit."""
    return json.dumps({
        'v': 1, 'type': 'call', 'id': number, 'time': f'2026-03-01T12:00:{number % 60:02}.000000000Z',
        'tgid': 100, 'tid': 100, 'comm': 'cat', 'exe': '/usr/bin/cat', 'arch': 'x86_64',
        'call': 'openat', 'nr': 257, 'args': ['0x0'] * 6,
        'deep': {'pathname': {'kind': 'path', 'arg': 1, 'classes': ['open-read'], 'text': '/x',
                              'name': '/x'}},
        'layers': [], 'layer': 'p.yaml', 'rule': 'rules[0]', 'source': 'p.yaml:3',
        'verdict': verdict, **more})


def named(name):
    return {'deep': {'pathname': {'kind': 'path', 'arg': 1, 'classes': ['open-read'],
                                  'text': name, 'name': name}}}


def wrong_uses(run):
    see = "see 'pointsman help report'"
    audit = run.path('audit', '')
    for argv, message in [
        ([], f'no audit given; {see}'),
        (['-o', 'x'], f'no audit given; {see}'),
        (['-o'], "option '-o' needs an argument"),
        (['--frob', audit], f"unknown option '--frob'; {see}"),
        ([run.path('none')], f"{run.path('none')}: cannot be read: No such file or directory"),
        ([run.dir], f'{run.dir}: cannot be read: Is a directory'),
        (['-o', audit, audit], f"--output: '{audit}' is the audit, expected another file"),
        (['-o', '/nowhere/x', audit],
         "--output: cannot open '/nowhere/x': No such file or directory"),
    ]:
        done = report(*argv)
        same((done.returncode, done.stderr.decode(), done.stdout),
             (125, f'pointsman: {message}\n', b''))
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([PM, 'report', audit], stdout=full, stderr=subprocess.PIPE,
                              check=False)
    same(done.returncode, 125)


def a_real_run(run):
    """What a run did is what its page says."""
    for name in ('secret', 'old', 'new'):
        run.path(name, name)
    policy = run.path('p.yaml', f'''version: 1
rules:
  - {{path: {run.path("secret")}, deny: EROFS}}
  - {{path: {run.path("old")}, redirect: {{path: {run.path("new")}}}}}
  - {{syscall: getppid, value: 7}}
''')
    script = f'cat {run.path("old")}; (cat {run.path("secret")}); cat {run.path("secret")}; exit 0'
    run(['--policy', policy], ['sh', '-c', script])
    done = report(run.audit, '-o', run.path('page.html'))
    same((done.returncode, done.stdout, done.stderr), (0, b'', b''))
    with open(run.path('page.html'), encoding='utf-8') as file:
        page = Page(file.read())
    same([x for x in page.tables['Refused'][1:] if x[1] != 'getppid'],
         [['2', 'openat', run.path('secret'), 'EROFS', f'rules[0], {policy}:3', 'cat']])
    assert ['answered 7', f'rules[2], {policy}:5'] in [x[3:5] for x in page.tables['Refused']]
    same(page.tables['Redirected'][1:],
         [['1', 'openat', run.path('old'), run.path('new'), f'rules[1], {policy}:4', 'cat']])
    same(page.tables['Runs'][1][1:3], [f'sh -c {script}', policy])
    # Each cat was a copy of the shell first.
    shell = os.path.basename(os.path.realpath('/bin/sh'))
    programs = [x[0] for x in page.tables['Processes over time'][1:]]
    same(sorted(programs), [shell] + [f'{shell} → cat'] * 3)
    with open(run.audit, encoding='utf-8') as file:
        calls = sum(json.loads(x)['type'] == 'call' for x in file)
    assert re.search(rf'\b{calls}calls', page.text), (calls, page.text[:300])


def what_reads_the_same_is_one_row(run):
    """A stat and an lstat of a name, the same by another spelling, and one that differs."""
    path = {'kind': 'path', 'arg': 1, 'classes': ['metadata'], 'text': '/x', 'name': '/x'}
    lines = [call(i, 'deny', errno='EIO', deep={'pathname': {**path, **more}}) for i, more in
             enumerate([{}, {'nofollow': True}, {'missing': True}, {'text': '../x'}, {'name': '/y'}])]
    page = Page(report(run.path('audit', '\n'.join(lines))).stdout.decode())
    same([x[:4] for x in page.tables['Refused'][1:]],
         [['4', 'openat', '/x', 'EIO'], ['1', 'openat', '/y', 'EIO']])


def nothing_is_more_than_text(run):
    lines = [json.dumps({'v': 1, 'type': 'start', 'time': EVIL[0], 'pid': 1, 'command': EVIL,
                         'policies': EVIL, 'backend': EVIL[1]})]
    for i, evil in enumerate(EVIL):
        lines += [call(i, 'deny', errno=evil, rule=evil, source=evil, layer=evil, exe='/x/' + evil,
                       comm=evil, call=evil, **named('/' + evil)),
                  call(i, 'redirect', ran={'call': evil, **named(evil)}, **named('/' + evil)),
                  call(i, 'deny', deep={evil: {'kind': 'string', 'text': evil}}, time=evil),
                  call(i, 'deny', deep={'addr': {'kind': 'address', 'family': evil}}),
                  call(i, 'value', value=evil), call(i, tgid=i + 2, exe=evil)]
    audit = run.path(EVIL[1].replace('/', '-'), '\n'.join(lines) + '\n<bad>\n')
    done = report(audit)
    same(done.returncode, 1)
    page = Page(done.stdout.decode())
    assert not re.search(r'[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]', done.stdout.decode())
    for evil in EVIL[:6]:
        assert '/' + evil in page.text, evil
    assert page.tables['Processes over time'][0][0] == 'program'


def lines_that_are_none_are_named(run):
    lines = [call(1), '{', 'x', '[]', '{}', call(2)[:-9], call(3).replace('"v": 1', '"v": 2'),
             call(4) + ' x', '{"v":1,"type":"call","type":"call","a":01}', '{"v":1,"type":"\\q"}',
             '', '\x00', '{"v":1,"type":' + '[' * 100000, call(5)]
    done = report(run.path('audit', '\n'.join(lines)))
    same(done.returncode, 1)
    numbers = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    same([int(x.split(':')[2]) for x in done.stderr.decode().splitlines()[:10]], numbers)
    same(done.stderr.decode().splitlines()[10], 'pointsman: 1 more not read')
    same([int(x) for x in re.findall(r'line (\d+):', Page(done.stdout.decode()).text)],
         numbers + [13])
    assert '2calls' in Page(done.stdout.decode()).text


def processes_are_a_tree(run):
    """Also where numbers are used again, or name each other as parents."""
    start = json.dumps({'v': 1, 'type': 'start', 'time': '', 'pid': 10, 'command': ['a']})
    lines = [start, call(1, tgid=10, ppid=1, exe='/a'), call(2, tgid=11, ppid=10, exe='/b'),
             call(3, tgid=12, ppid=11, exe='/c'), call(4, tgid=13, ppid=10, exe='/d'),
             call(5, tgid=11, ppid=13, exe='/e'), call(6, tgid=12, ppid=12, exe='/f'),
             call(7, tgid=20, ppid=21, exe='/g'), call(8, tgid=21, ppid=20, exe='/h')]
    page = report('-', stdin=None, input='\n'.join(lines).encode()).stdout.decode()
    rows = re.findall(r'<td style="padding-left:([\d.]+)em"><code>(.)</code>', page)
    same([(round(float(x) / 1.2), y) for x, y in rows],
         [(0, 'a'), (1, 'b'), (2, 'c'), (3, 'f'), (1, 'd'), (2, 'e'), (0, 'g'), (1, 'h')])


def what_a_process_was(run):
    """One program after the other, the first ones and the last; the same one again is one."""
    def page_of(*programs):
        lines = [call(i, exe='/bin/' + x) for i, x in enumerate(programs)]
        page = Page(report(run.path('audit', '\n'.join(lines))).stdout.decode())
        return [x[0] for x in page.tables['Processes over time'][1:]]
    same(page_of('sh', 'sh', 'make', 'make', 'cc'), ['sh → make → cc'])
    same(page_of('a', 'b', 'a'), ['a → b → a'])
    same(page_of(*'abcdef'), ['a → b → c → d → e → f'])
    same(page_of(*'abcdefg'), ['a → b → c → d → e → … → g'])
    same(page_of(*'abcdefghhi'), ['a → b → c → d → e → … → i'])


GENERATE = r'''
import sys
rest = sys.argv[2]
for i in range(int(sys.argv[1])):
    verdict = ('allow', 'redirect', 'deny')[i % 3]
    sys.stdout.write('{"v":1,"type":"call","id":%d,"time":"2026-03-01T12:%02d:%02d.%09dZ","tgid":%d,%s'
                     '"name":"/etc/file%d"}},"rule":"rules[%d]","verdict":"%s"}\n'
                     % (i, i // 60000 % 60, i // 1000 % 60, i, 100 + i // 1000, rest, i, i % 3,
                        verdict))
'''


def a_million_lines(run):
    """Each names another file: what is kept is bounded all the same."""
    rest = call(0)[call(0).index('"tid"'):call(0).index('"name"')]
    code = ('import resource, subprocess, sys; s = subprocess.run(sys.argv[1:]).returncode; '
            'u = resource.getrusage(resource.RUSAGE_CHILDREN); '
            'print(u.ru_maxrss, u.ru_utime); sys.exit(s)')
    page = run.path('page.html')
    with subprocess.Popen([sys.executable, '-c', GENERATE, '1000000', rest],
                          stdout=subprocess.PIPE) as generator:
        done = subprocess.run([sys.executable, '-c', code, PM, 'report', '-o', page, '-'],
                              stdin=generator.stdout, capture_output=True, timeout=LIMIT * 3,
                              check=False)
    same((done.returncode, done.stderr), (0, b''))
    memory, seconds = done.stdout.split()
    print(f'# a million lines: {int(memory) >> 10} MiB, {float(seconds):.1f} s of user time')
    assert int(memory) < 100 << 10, memory
    with open(page, encoding='utf-8') as file:
        text = file.read()
    assert len(text) < 4 << 20, len(text)
    assert '1000000calls' in Page(text).text and '333333denied' in Page(text).text


def progress_is_for_a_terminal(run):
    lines = run.path('audit', (call(1) + '\n') * 140000)
    same(report('-o', '/dev/null', lines).stderr, b'')
    master, slave = pty.openpty()
    child = subprocess.Popen([PM, 'report', '-o', '/dev/null', lines], stderr=slave)
    os.close(slave)
    out = b''
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        out += part
    os.close(master)
    same(child.wait(LIMIT), 0)
    assert re.search(rb'audit: \d+%, 65536 lines', out), out
    assert out.endswith(b'\r\x1b[K'), out
    master, slave = pty.openpty()
    done = subprocess.run([PM, 'report', lines], stdout=slave, stderr=subprocess.PIPE, check=False)
    os.close(slave)
    os.close(master)
    same((done.returncode, done.stderr.decode()),
         (125, 'pointsman: a page of HTML is nothing to read on a terminal, '
               "expected '-o FILE'\n"))


def pixels(png):
    """The colors of a picture, by how many of its pixels have them."""
    with open(png, 'rb') as file:
        data = file.read()
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    at, packed, colors = 8, b'', {}
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b'IHDR':
            width, _, depth, color = struct.unpack('>IIBB', body[:10])
        elif kind == b'IDAT':
            packed += body
        at += 12 + length
    size = {2: 3, 6: 4}[color]
    assert depth == 8
    raw, before = zlib.decompress(packed), bytes(width * size)
    for start in range(0, len(raw), width * size + 1):
        line = bytearray(raw[start + 1:start + 1 + width * size])
        for i, byte in enumerate(line):
            left = line[i - size] if i >= size else 0
            corner = before[i - size] if i >= size else 0
            guess = min((left, before[i], corner),
                        key=lambda x, t=left + before[i] - corner: abs(t - x))
            line[i] = byte + (0, left, before[i], (left + before[i]) // 2, guess)[raw[start]] & 255
        before = bytes(line)
        for i in range(0, len(line), size):
            rgb = before[i:i + 3]
            colors[rgb] = colors.get(rgb, 0) + 1
    return colors


def in_a_browser(run):
    """The page as Chromium understands and draws it."""
    if not shutil.which('chromium'):
        raise tap.Skip('no chromium')
    lines = [call(i, 'deny', errno='EACCES', exe='/x/' + evil, **named('/' + evil))
             for i, evil in enumerate(EVIL)]
    page = run.path('page.html')
    same(report('-o', page, run.path('audit', '\n'.join(lines))).returncode, 0)
    options = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync',
               '--disable-background-networking', '--disable-component-update',
               '--hide-scrollbars', '--window-size=500,400', f'--user-data-dir={run.path("profile")}']
    done = subprocess.run(['chromium', *options, '--dump-dom', f'file://{page}'], check=True,
                          capture_output=True, timeout=LIMIT * 2)
    with open(page, encoding='utf-8') as file:
        written = Page(file.read())
    seen = Page(done.stdout.decode())
    same(seen.tables, written.tables)
    assert '<title>pointsman report</title>' in done.stdout.decode()
    subprocess.run(['chromium', *options, f'--screenshot={run.path("page.png")}', f'file://{page}'],
                   check=True, capture_output=True, timeout=LIMIT * 2)
    colors = pixels(run.path('page.png'))
    # What was denied is red, and the background is that of a light page.
    assert colors.get(b'\xcc\x22\x22', 0) > 20, sorted(colors.items(), key=lambda x: -x[1])[:9]
    assert max(colors, key=colors.get) == b'\xff\xff\xff'


def help_is_help(_run):
    same(report('--help').stdout, subprocess.run([PM, 'help', 'report'], capture_output=True,
                                                 check=True).stdout)


TESTS = [wrong_uses, a_real_run, what_reads_the_same_is_one_row, nothing_is_more_than_text,
         lines_that_are_none_are_named, processes_are_a_tree, what_a_process_was, a_million_lines,
         progress_is_for_a_terminal, in_a_browser, help_is_help]

sys.exit(tap.main(TESTS))
