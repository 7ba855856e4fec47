#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the command says of itself: its help fits one screen, there is a page for each
# subcommand, and both have the same options.
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import BUILD, PM, SRC, same  # noqa: E402

LINES, COLUMNS = 24, 80
PAGES = BUILD + '/docs/man'


def output(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=True, encoding='utf-8').stdout


def subcommands():
    found = re.findall(r'^  ([a-z-]+) +\S', output(PM, 'help'), re.M)
    assert {'run', 'doctor', 'help', 'version'} <= set(found), found
    return [x for x in found if x not in ('help', 'version')]


def help_options(name):
    """As they stand at the beginning of a line: '-v, --verbose', '--policy FILE'."""
    return set(re.findall(r'^ +((?:-\w, )?--[a-z-]+(?: [A-Z]\S*)?|-\w(?: [A-Z]\S*)?)(?=\s|$)',
                          output(PM, 'help', name), re.M))


def page(name):
    with open(f'{PAGES}/{name}', encoding='utf-8') as file:
        return file.read()


def page_options(name):
    terms = re.findall(r'^\.It (.*)$', page(f'pointsman-{name}.1'), re.M)
    plain = [re.sub(r'\\f[BIR]', '', x).replace('\\-', '-') for x in terms]
    return {x for x in plain if x.startswith('-')}


def help_fits_one_screen(_run):
    for text in [output(PM, 'help')] + [output(PM, 'help', x) for x in subcommands()]:
        lines = text.splitlines()
        # The prompt that follows is on the screen too.
        assert len(lines) < LINES, (len(lines), text)
        for line in lines:
            assert len(line) <= COLUMNS, line


def the_same_options(_run):
    for name in subcommands():
        options = help_options(name)
        assert any('--help' in x for x in options), (name, options)
        same(page_options(name), options)


def every_subcommand_is_listed(_run):
    listed = set(re.findall(r'^\.It \\fBpointsman\\-([a-z\\-]+)\\fR\(1\)$', page('pointsman.1'), re.M))
    same({x.replace('\\', '') for x in listed}, set(subcommands()))


def pages_are_well_formed(_run):
    names = sorted(x for x in os.listdir(PAGES) if re.search(r'\.\d$', x))
    assert {'pointsman.1', 'pointsman-policy.5', 'pointsman-audit.5'} <= set(names), names
    for name in names:
        lint = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', f'{PAGES}/{name}'],
                              capture_output=True, check=False, encoding='utf-8')
        same((lint.returncode, lint.stdout), (0, ''))


def pages_refer_to_pages(_run):
    for name in os.listdir(PAGES):
        if not re.search(r'\.\d$', name):
            continue
        for other, section in re.findall(r'^\.Xr (pointsman\S*) (\d)', page(name), re.M):
            assert os.path.exists(f'{PAGES}/{other}.{section}'), (name, other, section)


def nothing_is_lost(_run):
    """Each word of the Markdown is in the page: the converter is our own."""
    def words(text):
        return set(re.findall(r'[a-z0-9_/.-]*[a-z0-9]{3,}', text.lower()))

    with open(SRC + '/docs/man/meson.build', encoding='utf-8') as file:
        sources = re.findall(r"'([a-z-]+\.\d)': '\.\./(.*)'", file.read())
    assert len(sources) >= 7, sources
    for name, source in sources:
        with open(f'{SRC}/docs/{source}', encoding='utf-8') as file:
            text = file.read()
        # But for comments, what links say, and the names of columns.
        text = re.sub(r'<!--.*?-->|^```\w+', '', text, flags=re.M)
        text = re.sub(r'\[[^\]]*\]\([^)]*\)', '', text)
        text = re.sub(r'^\|.*\n(?=\| ---)', '', text, flags=re.M)
        shown = re.sub('.\b', '', output('mandoc', '-T', 'utf8', '-O', 'width=500', f'{PAGES}/{name}'))
        same((name, words(text) - words(shown)), (name, set()))


TESTS = [help_fits_one_screen, the_same_options, every_subcommand_is_listed,
         pages_are_well_formed, pages_refer_to_pages, nothing_is_lost]

sys.exit(tap.main(TESTS))
