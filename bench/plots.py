# SPDX-License-Identifier: LGPL-2.1-or-later
"""One SVG a group, by gnuplot."""

import os
import shutil
import subprocess

from tables import PLACEMENTS, TITLES, label, opponents_in, select

HEAD = '''set terminal svg size 960,480 font "sans-serif,12" background rgb "white"
set output "{out}"
set title "{title}"
set key outside right top
set grid ytics
'''
BARS = '''set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set boxwidth 0.9
set logscale y
set ylabel "{unit}"
set xtics rotate by -25
set bmargin 6
'''
CURVES = '''set style data linespoints
set logscale xy
set ylabel "microseconds a call"
set xlabel "{x}"
'''


def quoted(text):
    """For gnuplot, in a file of data or a script."""
    return '"' + text.replace('\\', '').replace('"', "'").replace('_', ' ') + '"'


def gnuplot(script):
    """Draw it; silence is success."""
    subprocess.run(['gnuplot'], input=script, text=True, check=True)


def bars(rows, title, out, value='ratio', unit='times bare'):
    """A cluster for each work, a bar for each opponent."""
    rows = [row for row in rows if value in row]
    names = list(opponents_in(rows).items())
    if not rows:
        return
    labels = list(dict.fromkeys(label(row) for row in rows))
    at = {(label(row), row['opponent']): row[value] for row in rows}
    lines = [' '.join(['""', *(quoted(title) for _, title in names)])]
    lines += [' '.join([quoted(what), *(str(at.get((what, name), '?')) for name, _ in names)])
              for what in labels]
    columns = ', '.join(f'$data using {i}{":xtic(1)" if i == 2 else ""} title columnheader({i})'
                        for i in range(2, len(names) + 2))
    gnuplot('$data << EOD\n' + '\n'.join(lines) + '\nEOD\nset datafile missing "?"\n' +
            HEAD.format(out=out, title=title) + BARS.format(unit=unit) + f'plot {columns}\n')


def curves(rows, key, title, out):
    """A line for each opponent and work."""
    lines = {}
    order = list(opponents_in(rows))
    for row in sorted(rows, key=lambda row: order.index(row['opponent'])):
        lines.setdefault((row['opponent_title'], row['title']), []).append(
            (row[key], row['median'] / 1000))
    if not lines:
        return
    data, plots = [], []
    works = {work for _, work in lines}
    for number, ((opponent, work), points) in enumerate(lines.items()):
        data.append(f'$d{number} << EOD\n' + '\n'.join(f'{x} {y}' for x, y in sorted(points)) +
                    '\nEOD')
        name = opponent if len(works) == 1 else f'{opponent}: {work}'
        plots.append(f'$d{number} using 1:2 title {quoted(name)}')
    gnuplot('\n'.join(data) + '\n' + HEAD.format(out=out, title=title) +
            CURVES.format(x=key) + 'plot ' + ', '.join(plots) + '\n')


def draw(results, directory):
    """All of them; where there is no gnuplot it is said to be missing."""
    if not shutil.which('gnuplot'):
        results['missing'].append({'opponent': 'plots', 'reason': 'no gnuplot',
                                   'package': 'gnuplot-nox'})
        return
    os.makedirs(directory, exist_ok=True)
    for group in ('calls', 'programs', 'start'):
        for placement, placed in PLACEMENTS.items():
            bars(select(results, group, placement), f'{TITLES[group]}, {placed}',
                 os.path.join(directory, f'{group}-{placement}.svg'))
    for group in ('rules', 'processes', 'threads'):
        curves(select(results, group), group, TITLES[group],
               os.path.join(directory, f'{group}.svg'))
    for kernel, found in results.get('guests', {}).items():
        bars(found['rows'], f'Instructions, the {kernel} kernel in a virtual machine',
             os.path.join(directory, f'guest-{kernel}.svg'), 'cpu_ratio')
