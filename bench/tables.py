# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures as tables: on a terminal, and in Markdown."""

import shutil

PLACEMENTS = {'one': 'everything on one processor', 'free': 'the scheduler free to place'}
TITLES = {'calls': 'Single calls', 'programs': 'Programs', 'start': 'Start-up of /bin/true',
          'rules': 'By the number of rules', 'processes': 'By the number of live processes',
          'threads': 'By the number of threads'}
CURVES = ('rules', 'processes', 'threads')


def amount(ns):
    """Nanoseconds in a unit that fits."""
    for unit, size in (('s', 1e9), ('ms', 1e6), ('µs', 1e3)):
        if ns >= size:
            return f'{ns / size:.3g} {unit}'
    return f'{ns:.3g} ns'


def number(value):
    """Three digits that count."""
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'


def spread(row, kind):
    """Half the distance of the quartiles, in per cent of the median."""
    if row['opponent'] == 'bare' or kind + 'ratio' not in row:
        low, high = row[kind + 'quartiles']
        middle = row[kind + 'median']
    else:
        low, high = row[kind + 'ratio_quartiles']
        middle = row[kind + 'ratio']
    return 100 * (high - low) / 2 / middle if middle else 0


def cell(row, kind, guest):
    """Of one opponent: the ratio to bare; bare itself in its unit."""
    if row is None:
        return '-'
    if row['opponent'] == 'bare' or kind + 'ratio' not in row:
        median = row[kind + 'median']
        text = number(median / 8) if guest else amount(median)
    else:
        text = number(row[kind + 'ratio']) + '×'
    return text if len(row['rounds']) < 2 else f'{text} ±{spread(row, kind):.0f}%'


def label(row):
    """What a line is about."""
    more = []
    if row['group'] in ('programs', 'rules', 'guest') and row['rules'] != 1:
        more.append(f'{row["rules"]} rules')
    for key, one in (('processes', 'process'), ('threads', 'thread')):
        if key in row:
            more.append(f'{row[key]} {one if row[key] == 1 else key}')
    return ', '.join([row['title'], *more])


def opponents_in(rows):
    """Titles by names, always in the same order."""
    order = ('bare', 'pointsman-', 'proot', 'bubblewrap', 'fakechroot', 'continue', 'addfd')
    titles = {row['opponent']: row['opponent_title'] for row in rows}
    return {name: titles[name] for name in sorted(titles, key=lambda name: next(
        index for index, start in enumerate(order) if name.startswith(start)))}


def matrix(rows, kind='', guest=False):
    """A heading and lines: works down, opponents across.  kind: '' is time, 'cpu_' that of
    processors, 'least_' of the fastest batch; guest: in instructions."""
    names, lines = opponents_in(rows), {}
    for row in rows:
        lines.setdefault(label(row), {})[row['opponent']] = row
    heading = ['', *names.values()]
    body = [[what, *(cell(found.get(name), kind, guest) for name in names)]
            for what, found in lines.items()]
    return [heading, *body]


def text_table(table, width):
    """It in columns; where they do not fit, in several blocks."""
    sizes = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    begin, out = 1, []
    while begin < len(sizes):
        end, used = begin, sizes[0]
        while end < len(sizes) and (end == begin or used + 2 + sizes[end] <= width):
            used += 2 + sizes[end]
            end += 1
        for line in table:
            cells = [line[0].ljust(sizes[0])]
            cells += [line[i].rjust(sizes[i]) for i in range(begin, end)]
            out.append('  '.join(cells).rstrip())
        begin = end
        if begin < len(sizes):
            out.append('')
    return out


def markdown_table(table):
    """It in Markdown."""
    lines = ['| ' + ' | '.join(table[0]) + ' |', '|' + ' --- |' + ' ---: |' * (len(table[0]) - 1)]
    lines += ['| ' + ' | '.join(text.replace('|', '\\|') for text in line) + ' |'
              for line in table[1:]]
    return lines


def select(results, group, placement=None):
    """Rows of a group."""
    return [row for row in results['rows']
            if row['group'] == group and placement in (None, row['placement'])]


def counts_table(results):
    """System calls of a supervisor for each call."""
    rows, lines = [row for row in results['rows'] if row['group'] == 'counts'], {}
    names = opponents_in(rows)
    for row in rows:
        lines.setdefault(row['title'], {})[row['opponent']] = number(row['sum'])
    if not names:
        return []
    return [['', *names.values()],
            *([what, *(found.get(name, '-') for name in names)]
              for what, found in lines.items())]


def detail_table(results, opponent):
    """Which system calls these are, for one of them."""
    rows = [row for row in results['rows']
            if row['group'] == 'counts' and row['opponent'] == opponent]
    return [['', 'system calls of the supervisor'],
            *([row['title'], ', '.join(f'{name} {number(count)}'
                                       for name, count in row['calls'].items())]
              for row in rows)] if rows else []


def memory_table(results):
    """Peaks, by how many processes live."""
    rows = [row for row in results['rows'] if row['group'] == 'memory']
    if not rows:
        return []
    numbers = sorted({row['processes'] for row in rows})
    lines = {}
    for row in rows:
        sizes = row['kib']
        lines.setdefault(row['opponent_title'], {})[row['processes']] = (
            f'{sizes.get("VmHWM", 0)} ({sizes.get("RssAnon", 0)} + {sizes.get("RssShmem", 0)})')
    return [['KiB at the most (own + shared memory)', *(f'{n} processes' for n in numbers)],
            *([title, *(found.get(n, '-') for n in numbers)] for title, found in lines.items())]


def placing_table(results):
    """Two processors in a virtual machine: time on one of them, on both, and their ratio.  Of
    the fastest batches: the median is twice as long where the host does something else."""
    rows = results.get('placing', [])
    names, found = opponents_in(rows), {}
    for row in rows:
        found[row['placement'], row['opponent']] = row['least_median']
    lines = [[f'{rows[0]["title"]}, {what}', *(amount(found[placement, name]) for name in names)]
             for placement, what in PLACEMENTS.items()] if rows else []
    ratios = [number(found['free', name] / found['one', name]) + '×' for name in names]
    return [['', *names.values()], *lines, ['the second of the first', *ratios]] if rows else []


def missing_lines(results):
    """What is not there, and what failed."""
    lines = [f'missing: {one["opponent"]}: {one["reason"]}' +
             (f' (Debian has it in the package {one["package"]})' if one['package'] else '')
             for one in results['missing']]
    for one in results['failures']:
        what = ', '.join(str(one[key]) for key in ('group', 'title', 'placement', 'rules',
                                                   'processes', 'threads', 'opponent_title')
                         if key in one)
        lines.append(f'failed: {what}: {one["reason"]}')
    return lines


def condition_line(results):
    """Under what it was measured."""
    about = results['conditions']
    return (f'{about["pointsman"]}, Linux {about["kernel"]}, {about["processors"]} processors '
            f'({about["model"]}), load {about["load_before"]:.1f} before and '
            f'{about["load_after"]:.1f} after, medians of {about["rounds"]} interleaved round(s), '
            f'{about["time"]}' +
            ('; QUICK: these say nothing about cost' if about['quick'] else ''))


def sections(results):
    """(id, title, table) of all that was measured."""
    for group, title in TITLES.items():
        for placement, placed in PLACEMENTS.items():
            rows = select(results, group, placement)
            if rows:
                yield f'{group}-{placement}', f'{title}, {placed}', matrix(rows)
        # Of a few calls these say nothing.
        if results['conditions']['quick']:
            continue
        rows = select(results, group, 'one')
        for kind, what in (('cpu', 'processor time of program and supervisor'),
                           ('least', 'the least of the batches')):
            found = [row for row in rows if kind + '_median' in row]
            if found and (kind == 'cpu' or group in CURVES):
                yield f'{group}-{kind}', f'{title}, {what}', matrix(found, kind + '_')
    yield ('counts', 'System calls of the supervisor for each call, counted',
           counts_table(results))
    yield 'memory', 'Memory of the supervisor, ten rules', memory_table(results)
    for kernel, found in results.get('guests', {}).items():
        yield (f'guest-{kernel}',
               f'Instructions in a virtual machine, the {kernel} kernel {found["kernel"]}',
               matrix(found['rows'], 'cpu_', guest=True))
    yield ('guest-placing', 'Two processors in a virtual machine, the redirect kernel, time, '
                            'the least of the batches',
           placing_table(results))
    if results.get('round_trips'):
        yield ('round-trips', 'Round trips of a notification, instructions',
               [['', 'stock', 'patched', 'patched/stock'], *results['round_trips']])


def show(results):
    """All of it, on standard output."""
    width = shutil.get_terminal_size((110, 24)).columns
    print(condition_line(results))
    print('Bare in its unit, all others as a multiple of bare in the same round; '
          '± half the distance of the quartiles.')
    for line in missing_lines(results):
        print(line)
    for _, title, table in sections(results):
        if len(table) > 1:
            print(f'\n{title}')
            for line in text_table(table, width):
                print(line)
