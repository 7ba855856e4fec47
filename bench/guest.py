# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same in a virtual machine, on the stock and on the patched kernel.

Its processor is emulated: what is counted are instructions, which a busy host does not
change, and not time.  One of the guest's nanoseconds is an eighth of an instruction.  What
it takes to wake another processor is no instruction: there two of them are emulated, each by
a thread of the host, and it is time.
"""

import json
import os
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMIT = 3000    # seconds for one kernel


def run_kernel(options, kernel, groups, processors=1, rounds=1):
    """Its figures, or why there are none; of one processor instructions are counted.  The
    guest has a /tmp of its own."""
    counted = ['--icount'] if processors == 1 else []
    out = os.path.join(options.build, 'bench-guest', f'{kernel}-{processors}')
    path = os.path.join(out, 'results.json')
    os.makedirs(out, exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    done = subprocess.run(
        [os.path.join(SOURCE, 'vm/run'), '--kernel', kernel, '--cpus', str(processors), *counted,
         '--timeout', str(LIMIT), '--out', out, '--',
         os.path.join(SOURCE, 'bench/run'), '--in-guest', '--build', options.build,
         '--out', out, '--rounds', str(rounds), '--groups', ','.join(groups)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode or not os.path.exists(path):
        lines = (done.stderr + done.stdout).strip().splitlines()
        return None, lines[-1] if lines else f'status {done.returncode}'
    with open(path, encoding='utf-8') as file:
        return json.load(file), None


def round_trips():
    """The kernel's own figures: lines of (what, stock, patched, patched/stock)."""
    done = subprocess.run([os.path.join(SOURCE, 'kernel/scripts/benchmark'), '1'],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ['it failed'])[-1]
    lines = []
    # Below its heading: columns of 52, 9, 9 and 14.
    _, _, table = done.stdout.partition('patched/stock\n')
    for line in table.splitlines():
        lines.append([line[:52].strip(), line[53:62].strip(), line[63:72].strip(),
                      line[73:].strip()])
    return (lines, None) if lines else (None, 'its table is not as expected')


def note(results, what, reason, package=''):
    """What could not be measured."""
    results['missing'].append({'opponent': what, 'reason': reason, 'package': package})


def measure(options, groups, placing, results):
    """Add guests, placing and round_trips to the figures."""
    groups = [group for group in groups if group in options.groups] or list(groups)
    results['guests'] = {}
    for kernel in ('stock', 'redirect'):
        if sys.stderr.isatty():
            sys.stderr.write(f'the {kernel} kernel, in a virtual machine\n')
        found, reason = run_kernel(options, kernel, groups)
        if not found:
            note(results, f'the {kernel} kernel in a virtual machine', reason)
            continue
        results['guests'][kernel] = {
            'kernel': found['conditions']['kernel'],
            'rows': [row for row in found['rows'] if row['group'] != 'counts']}
        counted = {row['opponent'] for row in results['rows'] if row['group'] == 'counts'}
        results['rows'] += [row for row in found['rows'] if row['group'] == 'counts' and
                            row['opponent'] not in counted]
        results['failures'] += [{**one, 'group': f'guest {kernel} {one["group"]}'}
                                for one in found['failures']]
        for one in found['missing']:
            note(results, f'{one["opponent"]} on the {kernel} kernel', one['reason'],
                 one['package'])
    # Where there is no image, this would build one, for an hour.
    if len(results['guests']) < 2:
        return
    found, reason = run_kernel(options, 'redirect', [placing], processors=2, rounds=5)
    if found:
        results['placing'] = found['rows']
        results['failures'] += found['failures']
    else:
        note(results, 'two processors in a virtual machine', reason)
    found, reason = round_trips()
    if found:
        results['round_trips'] = found
    else:
        note(results, 'round trips of the kernel', reason)
