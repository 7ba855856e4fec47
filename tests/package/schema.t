#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The JSON schema of policies: what pointsman takes it takes; what pointsman refuses it
# refuses too, but for what a schema cannot tell; its words are those of the parser.
import glob
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import LIMIT, PM, SRC, Skip, same  # noqa: E402

try:
    import jsonschema
    import yaml
except ImportError as error:
    print('1..0 # SKIP', error)
    sys.exit(0)

with open(SRC + '/docs/policy.schema.json', encoding='utf-8') as schema_file:
    SCHEMA = json.load(schema_file)

# Complaints about what a schema cannot tell.
BEYOND = re.compile('|'.join((
    # YAML itself
    '^not YAML', '^anchor ', '^alias ', '^tag ', 'second document', 'holds a NUL', '^nested too deeply',
    r'^a key that is', "^key '.*' for the second time", r"^version: '1\.0'",
    # what the machine has
    "^'E[A-Z]+' is no errno", 'is no system call of this machine', 'is decided on as the call that it makes',
    # what the bytes of a text say
    "is no address, expected IPV4", 'is more than one address', 'is no name of a variable',
    "'[0-9]+' is no number", "^value: '0x", "^argc: '5-3'", 'has more than 32 bits',
    # what goes together, and what can never be
    ': never so$', 'for the second time$', 'in env-set and env-unset', '^a file and an address',
    '^class: one that has no', 'redirect to an? ', 'redirect of arguments', 'cannot be redirected',
)))


class Loader(yaml.SafeLoader):
    """The types of YAML 1.2, as editors have them."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ('bool', r'true|false', 'tf'), ('null', r'~|null|', '~n'),
        ('int', r'[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+', '-+0123456789'),
        ('float', r'[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?', '-+.0123456789')):
    Loader.add_implicit_resolver('tag:yaml.org,2002:' + tag, re.compile(f'^(?:{pattern})$'),
                                 [*first, *([''] if tag == 'null' else [])])


def integer(_loader, node):
    text = node.value
    return int(text, 16 if 'x' in text else 10)


def as_json(value):
    """JSON has no keys but texts."""
    if isinstance(value, dict):
        return {str(k).lower() if isinstance(k, bool) else str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [as_json(x) for x in value]
    return value


Loader.add_constructor('tag:yaml.org,2002:int', integer)


def of_files():
    names = (glob.glob(SRC + '/docs/policies/*') + glob.glob(SRC + '/demo/*.yaml') +
             glob.glob(SRC + '/tests/fuzz/corpus/policy/*'))
    assert len(names) > 30, names
    for name in sorted(names):
        with open(name, 'rb') as file:
            yield os.path.relpath(name, SRC), file.read()


def of_documents():
    for name in sorted(glob.glob(SRC + '/docs/*.md') + [SRC + '/README.md']):
        with open(name, encoding='utf-8') as file:
            blocks = re.findall(r'```yaml\n(.*?)```', file.read(), re.S)
        for text in blocks:
            if not re.search('^version:', text, re.M):
                text = ('version: 1\nrules:\n' if text.startswith('- ') else 'version: 1\n') + text
            yield os.path.relpath(name, SRC), text.encode()


def of_units():
    """The texts that the tests of the parser give it, in C."""
    literal = r'((?:"(?:[^"\\]|\\.)*"\s*|RULE\s*)+)'
    count = 0
    for name in sorted(glob.glob(SRC + '/tests/unit/test_policy*.c')):
        with open(name, encoding='utf-8') as file:
            text = file.read()
        for function, strings in re.findall(rf'\b(rule|expect|parse|accept)\({literal}[,)]', text):
            strings = strings.replace('RULE', '"version: 1\\nrules:\\n  - "')
            try:
                policy = ''.join(json.loads(x) for x in re.findall(r'"(?:[^"\\]|\\.)*"', strings))
            except ValueError:      # octal escapes, which are of what is not YAML
                continue
            if function == 'rule':
                policy = 'version: 1\nrules:\n  - ' + policy + '\n'
            count += 1
            yield os.path.basename(name), policy.encode()
    assert count > 140, count


def complaint(run, policy):
    """What pointsman has to say of it, or None."""
    with open(run.path('policy.yaml'), 'wb') as file:
        file.write(policy)
    done = subprocess.run([PM, 'run', '--policy', 'policy.yaml', '/nowhere'], cwd=run.dir,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
    found = re.match(r'pointsman: policy\.yaml:\d+:\d+: (.*)', done.stderr.decode('utf-8', 'replace'))
    assert bool(found) == (done.returncode == 125), done
    return found and found[1]


def judge(policy):
    """What the schema has to say, or None."""
    try:
        value = as_json(yaml.load(policy, Loader))
    except (yaml.YAMLError, ValueError, RecursionError, UnicodeDecodeError):
        return 'not YAML'
    error = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(value))
    return error and f'{list(error.absolute_path)}: {error.message}'


VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def compare(run, policies):
    taken = refused = beyond = 0
    for name, policy in policies:
        said, error = complaint(run, policy), judge(policy)
        if not said:
            assert error is None, (name, policy.decode(), error)
            taken += 1
        elif not BEYOND.search(said):
            assert error is not None, (name, policy.decode(), said)
            refused += 1
        else:
            beyond += 1
    print(f'# taken {taken}, refused {refused}, beyond a schema {beyond}')
    return taken, refused


def it_is_a_schema(_run):
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def policies_of_the_tree(run):
    taken, refused = compare(run, of_files())
    assert taken >= 13 and refused >= 15, (taken, refused)


def policies_of_the_documents(run):
    taken, refused = compare(run, of_documents())
    assert taken >= 5 and not refused, (taken, refused)


def policies_of_the_tests(run):
    taken, refused = compare(run, of_units())
    assert refused >= 70, (taken, refused)


def the_words_of_the_parser(run):
    """Keys, classes and the like are those that the complaints list."""
    def listed(text):
        said = complaint(run, text.encode())
        return set(re.split(', | or ', said.rpartition('expected ')[2].removeprefix('one of: ')))

    def keys(of):
        return set(SCHEMA['definitions'][of]['properties'])

    same(set(SCHEMA['properties']), listed('version: 1\nno: 1\n'))
    same(keys('rule'), listed('version: 1\nrules: [{path: /a, allow: true, no: 1}]\n'))
    same(keys('redirect'), listed('version: 1\nrules: [{path: /a, redirect: {path: /b, no: 1}}]\n'))
    same(keys('outcome') if 'properties' in SCHEMA['definitions']['outcome'] else
         set(SCHEMA['definitions']['outcome']['oneOf'][1]['properties']),
         listed('version: 1\ndefault: {deny: EIO, no: 1}\n'))
    same(keys('test'), listed('version: 1\nrules: [{class: exec, args: {index: 0, equal: 1, no: 1}, deny: EIO}]\n'))
    same(keys('change'), listed('version: 1\nrules: [{class: exec, redirect: {args: {index: 0, value: 1, no: 1}}}]\n'))
    same(set(SCHEMA['definitions']['class']['enum']),
         listed('version: 1\nrules: [{class: no, deny: EIO}]\n'))
    same(set(SCHEMA['definitions']['unsafe']['enum']), listed('version: 1\nunsafe: no\n'))
    same(set(SCHEMA['definitions']['test']['properties']['as']['enum']),
         listed('version: 1\nrules: [{class: exec, args: {index: 0, equal: 1, as: no}, deny: EIO}]\n'))


TESTS = [it_is_a_schema, policies_of_the_tree, policies_of_the_documents, policies_of_the_tests,
         the_words_of_the_parser]

sys.exit(tap.main(TESTS))
