/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "command.h"
#include "nearest.h"

enum {
	OPT_POLICY = 0x100,
	OPT_PATH,
	OPT_EXEC,
	OPT_CONNECT,
	OPT_DENY,
	OPT_SYSCALL,
	OPT_AUDIT,
	OPT_AUDIT_FD,
	OPT_AUDIT_DECIDED,
	OPT_BACKEND,
	OPT_NO_LANDLOCK,
	OPT_NO_MSEAL,
	OPT_KEEP_ORPHANS,
	OPT_OWN_LISTENERS,
};

static const struct option policy_options[] = {
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "exec", required_argument, NULL, OPT_EXEC },
	{ "connect", required_argument, NULL, OPT_CONNECT },
	{ "deny", required_argument, NULL, OPT_DENY },
	{ "syscall", required_argument, NULL, OPT_SYSCALL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct option run_only[] = {
	{ "audit", required_argument, NULL, OPT_AUDIT },
	{ "audit-fd", required_argument, NULL, OPT_AUDIT_FD },
	{ "audit-decided", no_argument, NULL, OPT_AUDIT_DECIDED },
	{ "no-landlock", no_argument, NULL, OPT_NO_LANDLOCK },
	{ "no-mseal", no_argument, NULL, OPT_NO_MSEAL },
	{ "keep-orphans", no_argument, NULL, OPT_KEEP_ORPHANS },
	{ "own-listeners", no_argument, NULL, OPT_OWN_LISTENERS },
	{ "verbose", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

static const struct option backend_only[] = {
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ NULL, 0, NULL, 0 },
};

#define MAX_OPTIONS 32
#define MAX_TOLD    10	/* errors of one policy that are named */

/*
 * What getopt_long() is asked with: lives in run_options_parse().  The first word
 * that is no option ends them ("+"), and the messages are ours (":").
 */
struct table {
	const char *subcommand;
	struct option options[MAX_OPTIONS];
	size_t n;
	char letters[2 * MAX_OPTIONS + 3];
};

static void table_add(struct table *table, const struct option *options)
{
	size_t len = strlen(table->letters);

	for (; options->name && table->n < MAX_OPTIONS - 1; options++) {
		table->options[table->n++] = *options;
		if (options->val >= 0x100 || options->val < '0')
			continue;
		table->letters[len++] = (char)options->val;
		if (options->has_arg)
			table->letters[len++] = ':';
	}
}

/* The short forms: the option, and what makes a rule of its argument. */
static const struct {
	int option;
	int (*add)(struct policy *policy, const char *arg, char **error);
} short_forms[] = {
	{ OPT_PATH, policy_add_path },
	{ OPT_EXEC, policy_add_exec },
	{ OPT_CONNECT, policy_add_connect },
	{ OPT_DENY, policy_add_deny },
	{ OPT_SYSCALL, policy_add_syscall },
};

static const char *const backends[] = { "auto", "notify", "ptrace" };

static int no_memory(void)
{
	complain("%s", strerror(ENOMEM));
	return -ENOMEM;
}

/* Takes error, which may be NULL. */
static int bad_policy(int err, const char *what, char *error)
{
	if (error)
		complain("%s", error);
	else
		complain("%s: %s", what, strerror(-err));
	free(error);
	return err;
}

static int add_policy(struct run_options *options, struct policy *policy)
{
	struct policy **longer;

	longer = reallocarray(options->policies, options->npolicies + 1, sizeof(*longer));
	if (!longer) {
		policy_free(policy);
		return no_memory();
	}
	options->policies = longer;
	longer[options->npolicies++] = policy;
	return 0;
}

static int add_file(struct run_options *options, const char *file)
{
	const char **longer;

	longer = reallocarray(options->files, options->nfiles + 1, sizeof(*longer));
	if (!longer)
		return no_memory();
	options->files = longer;
	longer[options->nfiles++] = file;
	return 0;
}

/* All short forms are one layer, the innermost: policies[0]. */
static int add_short_form(struct run_options *options, int option, const char *arg)
{
	struct policy *policy = NULL;
	char *error = NULL;
	int err = 0;

	if (!options->short_forms) {
		err = policy_new("command line", &policy);
		if (err)
			return bad_policy(err, "command line", NULL);
		err = add_policy(options, policy);
		if (err)
			return err;
		options->short_forms = true;
	}
	for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++)
		if (short_forms[i].option == option)
			err = short_forms[i].add(options->policies[0], arg, &error);
	return err ? bad_policy(err, arg, error) : 0;
}

/* An audit that was asked for and is not written would go unnoticed. */
static int check_one_audit(const struct run_options *options)
{
	if (!options->audit_file && options->audit_fd < 0)
		return 0;
	complain("a second audit, expected one of --audit and --audit-fd");
	return -EINVAL;
}

static int set_audit_file(struct run_options *options, const char *arg)
{
	int err = check_one_audit(options);

	if (!err)
		options->audit_file = arg;
	return err;
}

static int set_audit_fd(struct run_options *options, const char *arg)
{
	char *end;
	long fd;
	int mode;

	errno = 0;
	fd = strtol(arg, &end, 10);
	if (arg[0] < '0' || arg[0] > '9' || *end || errno || fd > INT_MAX) {
		complain("--audit-fd: '%s' is not the number of a descriptor", arg);
		return -EINVAL;
	}
	mode = fcntl((int)fd, F_GETFL);
	if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY || (mode & O_PATH)) {
		complain("--audit-fd: descriptor %ld is not open for writing", fd);
		return -EINVAL;
	}
	if (check_one_audit(options))
		return -EINVAL;
	options->audit_fd = (int)fd;
	return 0;
}

static int set_backend(struct run_options *options, const char *arg)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if (!strcmp(arg, backends[i])) {
			options->backend = backends[i];
			return 0;
		}
	}
	complain("--backend: '%s' is not a backend; 'auto', 'notify' and 'ptrace' are", arg);
	return -EINVAL;
}

static int take(struct run_options *options, int option, const char *arg)
{
	switch (option) {
	case OPT_POLICY:
		return add_file(options, arg);
	case OPT_AUDIT:
		return set_audit_file(options, arg);
	case OPT_AUDIT_FD:
		return set_audit_fd(options, arg);
	case OPT_AUDIT_DECIDED:
		options->audit_decided = true;
		return 0;
	case OPT_BACKEND:
		return set_backend(options, arg);
	case OPT_NO_LANDLOCK:
		options->no_landlock = true;
		return 0;
	case OPT_NO_MSEAL:
		options->no_mseal = true;
		return 0;
	case OPT_OWN_LISTENERS:
		options->own_listeners = true;
		return 0;
	case OPT_KEEP_ORPHANS:
		options->keep_orphans = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'V':
		options->version = true;
		return 0;
	default:
		return add_short_form(options, option, arg);
	}
}

/* How many options begin with the len bytes of name; one that is equal counts alone. */
static size_t matches(const struct table *table, const char *name, size_t len)
{
	size_t n = 0;

	for (const struct option *o = table->options; o->name; o++) {
		if (strncmp(o->name, name, len))
			continue;
		if (!o->name[len])
			return 1;
		n++;
	}
	return n;
}

void complain_option(const char *subcommand, const char *option, const char *const *options)
{
	struct nearest nearest = { .word = option };

	for (; *options; options++)
		nearest_try(&nearest, *options);
	if (nearest.found[0])
		complain("unknown option '%s'%s", option, nearest_hint(&nearest));
	else
		complain("unknown option '%s'; see 'pointsman help %s'", option, subcommand);
}

/* word is what was written, with its dashes, of which len bytes are the name. */
static void unknown_option(const struct table *table, const char *word, size_t len)
{
	char name[NEAREST_MAX + 1], known[MAX_OPTIONS][NEAREST_MAX + 1];
	const char *options[MAX_OPTIONS + 1] = { NULL };

	if (len > NEAREST_MAX) {
		complain("unknown option '%.*s'; see 'pointsman help %s'", (int)len, word,
			 table->subcommand);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	for (size_t i = 0; i < table->n; i++) {
		snprintf(known[i], sizeof(known[i]), "--%s", table->options[i].name);
		options[i] = known[i];
	}
	complain_option(table->subcommand, name, options);
}

/* What getopt_long() answered '?' or ':' for; word is where it stood. */
static int bad_option(const struct table *table, int answer, const char *word)
{
	const char *help = table->subcommand;
	size_t len = strcspn(word, "=");

	if (strncmp(word, "--", 2)) {
		if (answer == ':')
			complain("option '-%c' needs an argument", optopt);
		else
			complain("unknown option '-%c'; see 'pointsman help %s'", optopt, help);
		return -EINVAL;
	}
	if (answer == ':')
		complain("option '%.*s' needs an argument", (int)len, word);
	else if (optopt)
		complain("option '%.*s' takes no argument", (int)len, word);
	else if (matches(table, word + 2, len - 2) > 1)
		complain("option '%.*s' is ambiguous; see 'pointsman help %s'", (int)len, word,
			 help);
	else
		unknown_option(table, word, len);
	return -EINVAL;
}

/* All that is wrong with a policy, up to MAX_TOLD; takes error, the first. */
static int bad_file(int err, const char *file, const char *bytes, size_t len, char *error)
{
	struct flaws flaws = { 0 };
	size_t told = 0;

	if (err != -EINVAL || policy_check(file, bytes, len, &flaws) || !flaws.nerrors) {
		flaws_clear(&flaws);
		return bad_policy(err, file, error);
	}
	free(error);
	for (size_t i = 0; i < flaws.n && told < MAX_TOLD; i++)
		if (flaws.v[i].error && ++told)
			complain("%s", flaws.v[i].text);
	if (flaws.nerrors > told)
		complain("%s: %zu more error%s%s; 'pointsman check' names all", file,
			 flaws.nerrors - told, flaws.nerrors - told == 1 ? "" : "s",
			 flaws.more ? " at least" : "");
	flaws_clear(&flaws);
	return err;
}

int run_options_add_policy(struct run_options *options, const char *file)
{
	struct policy *policy = NULL;
	char *bytes, *error;
	size_t len;
	int err;

	/* It may be a pipe: it is read once. */
	err = policy_read(file, &bytes, &len, &error);
	if (err)
		return bad_policy(err, file, error);
	err = policy_parse(file, bytes, len, &policy, &error);
	if (err)
		err = bad_file(err, file, bytes, len, error);
	else
		err = add_policy(options, policy);
	free(bytes);
	return err;
}

/* A bad one does not hide what is wrong with the next. */
static int load_files(struct run_options *options)
{
	int err = 0;

	for (size_t i = 0; i < options->nfiles; i++)
		err = run_options_add_policy(options, options->files[i]) ?: err;
	return err;
}

int run_options_parse(struct run_options *options, const struct own_options *own, int argc,
		      char **argv)
{
	struct table table = { .subcommand = argv[0], .letters = "+:" };
	int answer, err;

	*options = (struct run_options){ .audit_fd = -1, .backend = "auto" };
	table_add(&table, policy_options);
	table_add(&table, own ? own->options : run_only);
	if (!own || own->runs)
		table_add(&table, backend_only);
	optind = 1;
	opterr = 0;
	for (;;) {
		const char *word = optind < argc ? argv[optind] : "";

		answer = getopt_long(argc, argv, table.letters, table.options, NULL);
		if (answer == -1)
			break;
		if (answer == '?' || answer == ':')
			return bad_option(&table, answer, word);
		if (own && answer < 0x100 && answer != 'h' && answer != 'V')
			err = own->take(own->data, answer, optarg);
		else
			err = take(options, answer, optarg);
		if (err)
			return err;
		if (options->help || options->version)
			return 0;
	}
	if (options->audit_decided && !options->audit_file && options->audit_fd < 0) {
		complain("--audit-decided needs --audit or --audit-fd");
		return -EINVAL;
	}
	if (optind >= argc) {
		complain("no %s given; see 'pointsman help %s'", own ? own->what : "command",
			 argv[0]);
		return -EINVAL;
	}
	options->command = argv + optind;
	return load_files(options);
}

/*
 * One policy cannot take from another what that relies on.  The short forms have no
 * word for it.
 */
unsigned int run_options_unsafe(const struct run_options *options)
{
	size_t first = options->short_forms ? 1 : 0;
	unsigned int unsafe = first < options->npolicies ? ~0u : 0;

	for (size_t i = first; i < options->npolicies; i++)
		unsafe &= policy_unsafe(options->policies[i]);
	return unsafe;
}

void run_options_clear(struct run_options *options)
{
	for (size_t i = 0; i < options->npolicies; i++)
		policy_free(options->policies[i]);
	free(options->policies);
	free(options->files);
	*options = (struct run_options){ .audit_fd = -1 };
}
