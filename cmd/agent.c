/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent.c - pointsman agent: listeners of containers, each under its policy
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "bytes.h"
#include "cleanup.h"
#include "command.h"
#include "policy.h"

enum { OPT_SOCKET = 0x100, OPT_POLICY, OPT_AUDIT, OPT_AUDIT_DECIDED, OPT_REPLACE };

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "audit", required_argument, NULL, OPT_AUDIT },
	{ "audit-decided", no_argument, NULL, OPT_AUDIT_DECIDED },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

void agent_help(FILE *to)
{
	fputs("Usage: pointsman agent --socket PATH --policy NAME=FILE [OPTIONS]\n"
	      "\n"
	      "Serves the seccomp listeners of containers, as the agent that the OCI runtime\n"
	      "specification calls listenerPath.  'pointsman oci-profile' prints what a\n"
	      "container's configuration has to say.\n"
	      "\n"
	      "      --socket PATH       listen there; without it at the socket that the\n"
	      "                          service manager hands over (sd_listen_fds(3))\n"
	      "      --policy NAME=FILE  what listenerMetadata NAME stands for; the same NAME\n"
	      "                          again adds a layer outside the one before\n"
	      "      --audit FILE        append a line of JSON for each call decided on\n"
	      "      --audit-decided     leave out plain allows, unless a rule says log\n"
	      "      --replace           take the place of the agent that listens at PATH\n"
	      "  -h, --help              print this and exit\n"
	      "\n"
	      "SIGTERM, SIGINT and SIGHUP end it when what was received is answered.\n", to);
}

const struct agent_policy *agent_find_policy(const struct agent_options *options,
					     const char *metadata)
{
	for (size_t i = 0; metadata && i < options->npolicies; i++)
		if (!strcmp(options->policies[i].name, metadata))
			return &options->policies[i];
	return NULL;
}

static int no_memory(void)
{
	complain("agent: %s", strerror(ENOMEM));
	return -ENOMEM;
}

/* The policy of the first len bytes of arg, a new one where there is none; NULL: no memory. */
static struct agent_policy *policy_named(struct agent_options *options, const char *arg, size_t len)
{
	struct agent_policy *longer;
	char *name = strndup(arg, len);

	for (size_t i = 0; name && i < options->npolicies; i++)
		if (!strcmp(options->policies[i].name, name)) {
			free(name);
			return &options->policies[i];
		}
	longer = name ? reallocarray(options->policies, options->npolicies + 1, sizeof(*longer)) :
			NULL;
	if (!longer) {
		free(name);
		return NULL;
	}
	options->policies = longer;
	longer[options->npolicies] = (struct agent_policy){ .name = name };
	return &longer[options->npolicies++];
}

static int add_policy(struct agent_options *options, const char *arg)
{
	const char *equal = strchr(arg, '=');
	struct agent_policy *policy;
	struct agent_file *longer;

	if (!equal || equal == arg || !equal[1]) {
		complain("agent: --policy: '%s' is not NAME=FILE", arg);
		return -EINVAL;
	}
	policy = policy_named(options, arg, (size_t)(equal - arg));
	longer = policy ? reallocarray(policy->files, policy->nfiles + 1, sizeof(*longer)) : NULL;
	if (!longer)
		return no_memory();
	policy->files = longer;
	longer[policy->nfiles++] = (struct agent_file){ .name = equal + 1 };
	return 0;
}

static int set_socket(struct agent_options *options, const char *arg)
{
	/* It would be an abstract one, which has no mode: anybody may connect. */
	if (!arg[0]) {
		complain("agent: --socket: '' is no path");
		return -EINVAL;
	}
	if (strlen(arg) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		complain("agent: --socket: '%s' is longer than a socket's path may be", arg);
		return -EINVAL;
	}
	options->socket = arg;
	return 0;
}

static int take(struct agent_options *options, int option, const char *arg)
{
	switch (option) {
	case OPT_SOCKET:
		return set_socket(options, arg);
	case OPT_POLICY:
		return add_policy(options, arg);
	case OPT_AUDIT:
		options->audit_file = arg;
		return 0;
	case OPT_AUDIT_DECIDED:
		options->audit_decided = true;
		return 0;
	case OPT_REPLACE:
		options->replace = true;
		return 0;
	default:
		options->help = true;
		return 0;
	}
}

/* The bytes are kept; that they are a policy is known before the first container comes. */
static int read_file(struct agent_file *file)
{
	struct policy *policy = NULL;
	char *error = NULL;
	int err = policy_read(file->name, &file->bytes, &file->len, &error);

	if (!err)
		err = policy_parse(file->name, file->bytes, file->len, &policy, &error);
	policy_free(policy);
	if (err)
		complain("agent: %s", error ? error : strerror(-err));
	free(error);
	return err;
}

static int read_files(struct agent_options *options)
{
	int err = 0;

	for (size_t i = 0; !err && i < options->npolicies; i++)
		for (size_t j = 0; !err && j < options->policies[i].nfiles; j++)
			err = read_file(&options->policies[i].files[j]);
	return err;
}

static int parse(struct agent_options *options, int argc, char **argv)
{
	int answer, err = 0;

	optind = 1;
	opterr = 0;
	while (!err && !options->help) {
		const char *word = optind < argc ? argv[optind] : "";

		answer = getopt_long(argc, argv, "+:h", long_options, NULL);
		if (answer == -1)
			break;
		if (answer == ':' || answer == '?') {
			complain(answer == ':' ? "agent: option '%s' needs an argument" :
						 "agent: bad option '%s'; see 'pointsman help agent'",
				 word);
			return -EINVAL;
		}
		err = take(options, answer, optarg);
	}
	if (err || options->help)
		return err;
	if (optind < argc)
		complain("agent: takes no argument, not '%s'", argv[optind]);
	else if (!options->npolicies)
		complain("agent: no --policy given; see 'pointsman help agent'");
	else if (options->audit_decided && !options->audit_file)
		complain("agent: --audit-decided needs --audit");
	else if (options->replace && !options->socket)
		complain("agent: --replace needs --socket");
	else
		return read_files(options);
	return -EINVAL;
}

static int open_audit(struct agent *agent, char **argv)
{
	const struct agent_options *options = &agent->options;
	auto_free const char **names = calloc(options->npolicies, sizeof(*names));
	const struct audit_start start = { .command = argv, .policies = names,
					   .npolicies = options->npolicies, .backend = "agent" };
	int err;

	if (!options->audit_file)
		return 0;
	if (!names)
		return no_memory();
	for (size_t i = 0; i < options->npolicies; i++)
		names[i] = options->policies[i].name;
	err = audit_open(options->audit_file, options->audit_decided, &agent->audit);
	if (err) {
		complain("agent: --audit: cannot open '%s': %s", options->audit_file,
			 strerror(-err));
		return err;
	}
	err = audit_begin(agent->audit, &start);
	if (err)
		complain("agent: cannot write to the audit: %s", strerror(-err));
	return err;
}

static int find_socket(struct agent *agent)
{
	const int64_t until = bytes_now() + AGENT_TAKE_OVER_MS;
	int err = agent_inherit(agent);

	if (!err && agent->socket >= 0 && agent->options.socket) {
		complain("agent: --socket given, and a socket from a service manager");
		return -EINVAL;
	}
	if (err || agent->socket >= 0)
		return err;
	if (!agent->options.socket) {
		complain("agent: no --socket given, and none from a service manager; see 'pointsman help agent'");
		return -EINVAL;
	}
	/* Where nobody listens another agent may be faster: that one's place is taken then. */
	do {
		if (agent->options.replace)
			err = agent_take_over(agent, until);
		if (!agent->options.replace || err == -ENOENT)
			err = agent_listen(agent);
	} while (err == -EADDRINUSE && agent->options.replace);
	return err;
}

static void clear(struct agent *agent)
{
	struct agent_options *options = &agent->options;

	for (size_t i = 0; i < options->npolicies; i++) {
		for (size_t j = 0; j < options->policies[i].nfiles; j++)
			free(options->policies[i].files[j].bytes);
		free(options->policies[i].files);
		free(options->policies[i].name);
	}
	free(options->policies);
	while (agent->containers) {
		struct agent_container *container = agent->containers;

		agent->containers = container->next;
		agent_container_free(container);
	}
	audit_close(agent->audit);
	cleanup_close(&agent->socket);
	cleanup_close(&agent->signals);
}

/* Tried in a way that changes nothing: the agent does this for each container. */
static int check_rights(void)
{
	if (!chroot("/"))
		return 0;
	complain("agent: only root can serve containers: %s", strerror(errno));
	return -errno;
}

/* Each container takes some, and so does each of its calls. */
static void take_descriptors(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int agent_command(int argc, char **argv)
{
	struct agent agent = { .pid = getpid(), .socket = -1, .signals = -1, .successor = -1 };
	int status = EXIT_POINTSMAN;

	take_descriptors();
	if (!parse(&agent.options, argc, argv)) {
		if (agent.options.help) {
			agent_help(stdout);
			status = finish_output();
		} else if (!check_rights() && !open_audit(&agent, argv) && !find_socket(&agent)) {
			status = agent_loop(&agent);
		}
	}
	clear(&agent);
	return status;
}
