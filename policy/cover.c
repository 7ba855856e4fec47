/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cover.c - does a rule match all that another one matches?
 *
 * Yes only where it is certain.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "check.h"

static bool ends_in_any(const struct glob *glob)
{
	return glob->nparts && !strcmp(glob->parts[glob->nparts - 1], "**");
}

/* Does a match this directory and all below it? */
static bool covers_directory(const struct pattern *a, const char *dir)
{
	if (a->kind == PATTERN_TREE)
		return name_rest(&a->name, dir) != NULL;
	for (size_t i = 0; i < a->nglobs; i++)
		if (ends_in_any(&a->globs[i]) && glob_matches(&a->globs[i], dir))
			return true;
	return false;
}

static bool covers_glob(const struct pattern *a, const struct glob *b)
{
	size_t rest;
	char *dir, *clean;
	bool covers;

	for (size_t i = 0; i < a->nglobs; i++)
		if (!strcmp(a->globs[i].text, b->text))
			return true;
	dir = glob_directory(b->text, &rest);
	clean = dir ? path_clean(dir) : NULL;
	covers = clean && covers_directory(a, clean);
	free(clean);
	free(dir);
	return covers;
}

/* Forms that differ by links may have their coverer each: any of the patterns will do. */
static bool covers_names(const struct match *a, const struct pattern *b)
{
	size_t n = b->kind == PATTERN_GLOB ? b->nglobs : b->name.nforms;

	for (size_t form = 0; form < n; form++) {
		bool covered = false;

		for (size_t i = 0; i < a->npatterns && !covered; i++) {
			const struct pattern *p = &a->patterns[i];

			if (b->kind == PATTERN_GLOB)
				covered = covers_glob(p, &b->globs[form]);
			else if (b->kind == PATTERN_TREE)
				covered = covers_directory(p, b->name.form[form]);
			else
				covered = pattern_matches(p, b->name.form[form]);
		}
		if (!covered)
			return false;
	}
	return true;
}

static bool covers_anonymous(const struct match *a, const char *b)
{
	return texts_have(&a->anonymous, b) || texts_have(&a->anonymous, "*");
}

static bool covers_ports(const struct address *a, const struct address *b)
{
	return !a->ports || (b->ports && a->port_min <= b->port_min && b->port_max <= a->port_max);
}

static bool covers_prefix(const struct address *a, const struct address *b)
{
	if (a->bits > b->bits)
		return false;
	for (unsigned int bit = 0; bit < a->bits; bit++)
		if ((a->ip[bit / 8] ^ b->ip[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

static bool covers_address(const struct address *a, const struct address *b)
{
	switch (a->kind) {
	case ADDRESS_IP:
		return (b->kind == ADDRESS_IP || b->kind == ADDRESS_IP4 ||
			b->kind == ADDRESS_IP6) && covers_ports(a, b);
	case ADDRESS_IP4:
	case ADDRESS_IP6:
		return b->kind == a->kind && covers_prefix(a, b) && covers_ports(a, b);
	case ADDRESS_UNIX:
		return b->kind == ADDRESS_UNIX || b->kind == ADDRESS_UNIX_PATH ||
		       b->kind == ADDRESS_UNIX_ABSTRACT || b->kind == ADDRESS_UNIX_UNNAMED;
	case ADDRESS_UNIX_PATH:
	case ADDRESS_UNIX_ABSTRACT:
		return b->kind == a->kind && !strcmp(a->spelling, b->spelling);
	case ADDRESS_UNIX_UNNAMED:
		return b->kind == a->kind;
	case ADDRESS_FAMILY:
		return b->kind == a->kind && a->family == b->family;
	}
	return false;
}

size_t cover_alternatives(const struct rule *rule)
{
	const struct match *match = &rule->match;
	size_t n = match->npatterns + match->anonymous.n + match->naddresses;

	return n ? n : 1;
}

/* What of a file or address the rule's alternative of this number names. */
static bool covers_alternative(const struct match *a, const struct match *b, size_t alternative)
{
	bool a_names = a->npatterns || a->anonymous.n || a->naddresses;

	if (!a_names)
		return true;
	if (alternative < b->npatterns)
		return covers_names(a, &b->patterns[alternative]);
	alternative -= b->npatterns;
	if (alternative < b->anonymous.n)
		return covers_anonymous(a, b->anonymous.v[alternative]);
	alternative -= b->anonymous.n;
	for (size_t i = 0; alternative < b->naddresses && i < a->naddresses; i++)
		if (covers_address(&a->addresses[i], &b->addresses[alternative]))
			return true;
	return false;
}

static bool same_test(const struct arg_test *a, const struct arg_test *b)
{
	return a->index == b->index && a->type == b->type && a->mask == b->mask &&
	       a->has_equal == b->has_equal && a->equal == b->equal && a->has_min == b->has_min &&
	       a->min == b->min && a->has_max == b->has_max && a->max == b->max;
}

/* What passes b passes a. */
static bool implies(const struct arg_test *b, const struct arg_test *a)
{
	if (same_test(a, b))
		return true;
	if (a->index != b->index || a->type != b->type || !b->has_equal || ~b->mask)
		return false;
	return (!a->has_equal || (b->equal & a->mask) == a->equal) &&
	       (!a->has_min || !arg_less(a->type, b->equal & a->mask, a->min)) &&
	       (!a->has_max || !arg_less(a->type, a->max, b->equal & a->mask));
}

static bool covers_args(const struct match *a, const struct match *b)
{
	for (size_t i = 0; i < a->nargs; i++) {
		bool implied = false;

		for (size_t j = 0; j < b->nargs; j++)
			implied |= implies(&b->args[j], &a->args[i]);
		if (!implied)
			return false;
	}
	return true;
}

static bool covers_syscalls(const struct match *a, const struct match *b)
{
	if (a->syscalls.n && !b->syscalls.n)
		return false;
	for (size_t i = 0; a->syscalls.n && i < b->syscalls.n; i++)
		if (!texts_have(&a->syscalls, b->syscalls.v[i]))
			return false;
	return true;
}

static bool has_spelling(const struct match *match, const char *text)
{
	for (size_t i = 0; i < match->nspellings; i++)
		if (!strcmp(match->spellings[i].text, text))
			return true;
	return false;
}

static bool covers_spellings(const struct match *a, const struct match *b)
{
	if (!a->nspellings)
		return true;
	for (size_t i = 0; i < b->nspellings; i++)
		if (!has_spelling(a, b->spellings[i].text))
			return false;
	return b->nspellings;
}

/* Of what is asked of a program, only what is asked alike is compared. */
static bool covers_program(const struct match *a, const struct match *b)
{
	if (a->has_argc && !(b->has_argc && a->argc_min <= b->argc_min &&
			     b->argc_max <= a->argc_max))
		return false;
	if (a->nargv && (a->nargv != b->nargv || a->argv_whole != b->argv_whole))
		return false;
	for (size_t i = 0; i < a->nargv; i++)
		if (a->argv[i].index != b->argv[i].index ||
		    strcmp(a->argv[i].glob, b->argv[i].glob))
			return false;
	for (size_t i = 0; i < a->nenv; i++) {
		bool same = false;

		for (size_t j = 0; j < b->nenv; j++)
			same |= !strcmp(a->env[i].name, b->env[j].name) &&
				(!strcmp(a->env[i].glob, b->env[j].glob) ||
				 !strcmp(a->env[i].glob, "*"));
		if (!same)
			return false;
	}
	for (size_t i = 0; i < a->env_absent.n; i++)
		if (!texts_have(&b->env_absent, a->env_absent.v[i]))
			return false;
	return true;
}

bool cover_rule(const struct rule *a, const struct rule *b, unsigned int class,
		size_t alternative)
{
	if (!covers_syscalls(&a->match, &b->match) || !covers_args(&a->match, &b->match))
		return false;
	if (a->whole_call)
		return true;
	if (b->whole_call || class >= PM_NCLASSES || !(a->match.classes & PM_BIT(class)))
		return false;
	return covers_spellings(&a->match, &b->match) && covers_program(&a->match, &b->match) &&
	       covers_alternative(&a->match, &b->match, alternative);
}
