/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * oci_profile.c - pointsman oci-profile: what config.json says of an agent
 *
 * The calls that a policy wants to see are sent to the agent, all others that are
 * known here are allowed, and the rest answers ENOSYS: a name that the runtime's
 * libseccomp does not know yet is left out by it, and must not be a way around.
 * Of the tables of x86 only that of 64 bits is let in: the arguments of socketcall
 * lie in memory, and what a filter cannot see it cannot sort out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <pointsman/pointsman.h>

#include "audit_json.h"
#include "chain.h"
#include "cleanup.h"
#include "command.h"
#include "oci_runtime.h"
#include "policy.h"
#include "shapes.h"

#define ARCH AUDIT_ARCH_X86_64

/* Owner: oci_profile_command(). */
struct profile {
	const char *listener, *metadata;
	const char **files;
	size_t nfiles;
	bool wait_killable;
	bool help;

	struct policy **policies;	/* as many as files, while they are read */
	struct pm_layer **layers;
	size_t n;
	struct pm_options wanted;	/* the layers, without what is built in */
	unsigned int unsafe;
};

void oci_profile_help(FILE *to)
{
	fputs("Usage: pointsman oci-profile --policy FILE --listener PATH [OPTIONS]\n"
	      "\n"
	      "Prints what a container's config.json says under linux.seccomp to be served by\n"
	      "'pointsman agent'.\n"
	      "\n"
	      "      --policy FILE    the policy, again for each layer outside it\n"
	      "      --listener PATH  the agent's socket\n"
	      "      --metadata NAME  the agent's name for these policies\n"
	      "      --wait-killable  signals wait while the agent acts (Linux 5.19, crun)\n"
	      "  -h, --help           print this and exit\n"
	      "\n"
	      "Policies that want to see what runtimes themselves call before the agent has\n"
	      "the listener are refused: the container would never start.\n", to);
}

static int take(struct profile *profile, int option, const char *arg)
{
	const char **longer;

	switch (option) {
	case 'p':
		longer = reallocarray(profile->files, profile->nfiles + 1, sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		profile->files = longer;
		longer[profile->nfiles++] = arg;
		return 0;
	case 'l':
		profile->listener = arg;
		return 0;
	case 'm':
		profile->metadata = arg;
		return 0;
	case 'w':
		profile->wait_killable = true;
		return 0;
	default:
		profile->help = true;
		return 0;
	}
}

static int parse(struct profile *profile, int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "listener", required_argument, NULL, 'l' },
		{ "metadata", required_argument, NULL, 'm' },
		{ "wait-killable", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int answer, err = 0;

	optind = 1;
	opterr = 0;
	while (!err && !profile->help) {
		const char *word = optind < argc ? argv[optind] : "";

		answer = getopt_long(argc, argv, "+:h", options, NULL);
		if (answer == -1)
			break;
		if (answer == ':' || answer == '?') {
			complain(answer == ':' ?
					 "oci-profile: option '%s' needs an argument" :
					 "oci-profile: bad option '%s'; see 'pointsman help oci-profile'",
				 word);
			return -EINVAL;
		}
		err = take(profile, answer, optarg);
	}
	if (err || profile->help)
		return err;
	if (optind < argc)
		complain("oci-profile: takes no argument, not '%s'", argv[optind]);
	else if (!profile->nfiles)
		complain("oci-profile: no --policy given; see 'pointsman help oci-profile'");
	else if (!profile->listener)
		complain("oci-profile: no --listener given; see 'pointsman help oci-profile'");
	else if (profile->listener[0] != '/')
		complain("oci-profile: --listener: '%s' is not absolute", profile->listener);
	else
		return 0;
	return -EINVAL;
}

static int read_policies(struct profile *profile)
{
	char *error = NULL;
	int err = 0;

	profile->policies = calloc(profile->nfiles, sizeof(*profile->policies));
	profile->layers = calloc(profile->nfiles, sizeof(*profile->layers));
	if (!profile->policies || !profile->layers)
		return -ENOMEM;
	profile->unsafe = ~0u;
	for (; !err && profile->n < profile->nfiles; profile->n += !err) {
		err = policy_load(profile->files[profile->n], &profile->policies[profile->n],
				  &error);
		if (err)
			break;
		profile->layers[profile->n] = policy_layer(profile->policies[profile->n]);
		profile->unsafe &= policy_unsafe(profile->policies[profile->n]);
	}
	if (err)
		complain("oci-profile: %s", error ? error : strerror(-err));
	free(error);
	profile->wanted = (struct pm_options){ .layers = profile->layers, .nlayers = profile->n,
					       .unsafe = ~0u };
	return err;
}

/* Calls that connect only with MSG_FASTOPEN, in this argument. */
static int fastopen_arg(const struct profile *profile, const char *name)
{
	static const struct {
		const char *name;
		int arg;
	} sending[] = { { "sendto", 3 }, { "sendmsg", 2 }, { "sendmmsg", 3 } };

	for (size_t i = 0; i < sizeof(sending) / sizeof(sending[0]); i++)
		if (!strcmp(sending[i].name, name) &&
		    !chain_wants_for(&profile->wanted, name, PM_BIT(PM_CLASS_SEND)))
			return sending[i].arg;
	return -1;
}

/* What is done with a call of the table. */
enum fate { UNKNOWN, ALLOWED, SENT, SENT_FASTOPEN, REFUSED };

static enum fate fate_of(const struct profile *profile, const char *name, int *err)
{
	int nr = pm_syscall_number(ARCH, name);

	if (!strcmp(name, "io_uring_setup") && !(profile->unsafe & PM_UNSAFE_IO_URING)) {
		*err = ENOSYS;
		return REFUSED;
	}
	if (!strcmp(name, "open_by_handle_at") && !(profile->unsafe & PM_UNSAFE_HANDLES)) {
		*err = EPERM;
		return REFUSED;
	}
	if (!pm_sysent_find(ARCH, nr) && !pm_syscall_names_nothing(ARCH, nr))
		return UNKNOWN;
	if (!chain_wants(&profile->wanted, name))
		return ALLOWED;
	return fastopen_arg(profile, name) < 0 ? SENT : SENT_FASTOPEN;
}

/* The file of the layer that wants to see it. */
static const char *who_wants(const struct profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->n; i++)
		if (profile->layers[i]->wants(profile->layers[i]->data, name,
					      pm_syscall_classes(name)))
			return profile->files[i];
	return "";
}

static int check(const struct profile *profile)
{
	int max = pm_syscall_max(ARCH), err = 0, number;

	for (int nr = 0; nr <= max; nr++) {
		const char *name = pm_syscall_name(ARCH, nr), *who;

		if (!name || fate_of(profile, name, &number) != SENT)
			continue;
		who = oci_runtime_calls(name);
		if (!who)
			continue;
		complain("oci-profile: %s: wants to see %s, and the container would never start: %s",
			 who_wants(profile, name), name, who);
		err = -EINVAL;
	}
	return err;
}

static bool opens(const char *name)
{
	return !strcmp(name, "open") || !strcmp(name, "creat") || !strcmp(name, "openat") ||
	       !strcmp(name, "openat2");
}

/* What an agent refuses where the kernel has no redirect: it was read, and cannot be done here. */
static void tell_refused(const struct profile *profile)
{
	int max = pm_syscall_max(ARCH), number;
	auto_free char *list = NULL;
	size_t len = 0;

	for (int nr = 0; nr <= max; nr++) {
		const char *name = pm_syscall_name(ARCH, nr);
		char *longer;

		if (!name || !pm_sysent_find(ARCH, nr) || opens(name) || !strcmp(name, "connect") ||
		    fate_of(profile, name, &number) != SENT)
			continue;
		longer = realloc(list, len + strlen(name) + 3);
		if (!longer)
			return;
		list = longer;
		len += (size_t)sprintf(list + len, "%s%s", len ? ", " : "", name);
	}
	if (list)
		complain("oci-profile: where the kernel has no redirect the agent refuses, unless a rule denies them or gives a value: %s",
			 list);
}

static void add_comparison(struct json *json, json_object *rule, int arg, bool set)
{
	json_object *args = json_object_new_array(), *test = json_object_new_object();

	json_put(json, test, "index", json_object_new_int(arg));
	json_put(json, test, "value", json_object_new_int64(MSG_FASTOPEN));
	json_put(json, test, "valueTwo", json_object_new_int64(set ? MSG_FASTOPEN : 0));
	json_put_string(json, test, "op", "SCMP_CMP_MASKED_EQ");
	if (!args || json_object_array_add(args, test))
		json->failed = true;
	json_put(json, rule, "args", args);
}

/* A rule for these names; takes names. */
static json_object *add_rule(struct json *json, json_object *rules, json_object *names,
			     const char *action)
{
	json_object *rule = json_object_new_object();

	json_put(json, rule, "names", names);
	json_put_string(json, rule, "action", action);
	if (!rule || json_object_array_add(rules, rule))
		json->failed = true;
	return rule;
}

static json_object *names_of(struct json *json, const struct profile *profile, enum fate fate)
{
	json_object *names = json_object_new_array();
	int max = pm_syscall_max(ARCH), err;

	for (int nr = 0; nr <= max; nr++) {
		const char *name = pm_syscall_name(ARCH, nr);

		if (name && fate_of(profile, name, &err) == fate &&
		    json_object_array_add(names, json_object_new_string(name)))
			json->failed = true;
	}
	return names;
}

static json_object *one_name(struct json *json, const char *name)
{
	json_object *names = json_object_new_array();

	if (!names || json_object_array_add(names, json_object_new_string(name)))
		json->failed = true;
	return names;
}

/* Rules of the calls that need one each. */
static void add_single_rules(struct json *json, const struct profile *profile, json_object *rules)
{
	int max = pm_syscall_max(ARCH), err;

	for (int nr = 0; nr <= max; nr++) {
		const char *name = pm_syscall_name(ARCH, nr);
		enum fate fate = name ? fate_of(profile, name, &err) : UNKNOWN;
		json_object *rule;

		if (fate == REFUSED) {
			rule = add_rule(json, rules, one_name(json, name), "SCMP_ACT_ERRNO");
			json_put(json, rule, "errnoRet", json_object_new_int(err));
		} else if (fate == SENT_FASTOPEN) {
			int arg = fastopen_arg(profile, name);

			rule = add_rule(json, rules, one_name(json, name), "SCMP_ACT_ALLOW");
			add_comparison(json, rule, arg, false);
			rule = add_rule(json, rules, one_name(json, name), "SCMP_ACT_NOTIFY");
			add_comparison(json, rule, arg, true);
		}
	}
}

static json_object *make_profile(struct json *json, const struct profile *profile)
{
	json_object *section = json_object_new_object(), *rules = json_object_new_array();
	json_object *sent = names_of(json, profile, SENT);

	json_put_string(json, section, "defaultAction", "SCMP_ACT_ERRNO");
	json_put(json, section, "defaultErrnoRet", json_object_new_int(ENOSYS));
	json_put(json, section, "architectures", one_name(json, "SCMP_ARCH_X86_64"));
	if (profile->wait_killable)
		json_put(json, section, "flags",
			 one_name(json, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"));
	json_put_string(json, section, "listenerPath", profile->listener);
	json_put_string(json, section, "listenerMetadata", profile->metadata);
	add_rule(json, rules, names_of(json, profile, ALLOWED), "SCMP_ACT_ALLOW");
	if (json_object_array_length(sent))
		add_rule(json, rules, sent, "SCMP_ACT_NOTIFY");
	else
		json_object_put(sent);
	add_single_rules(json, profile, rules);
	json_put(json, section, "syscalls", rules);
	return section;
}

static bool wants_anything(const struct profile *profile)
{
	int max = pm_syscall_max(ARCH), err;

	for (int nr = 0; nr <= max; nr++) {
		const char *name = pm_syscall_name(ARCH, nr);
		enum fate fate = name ? fate_of(profile, name, &err) : UNKNOWN;

		if (fate == SENT || fate == SENT_FASTOPEN)
			return true;
	}
	return false;
}

static int print(const struct profile *profile)
{
	struct json json = { 0 };
	json_object *section;

	if (!wants_anything(profile)) {
		complain("oci-profile: no policy wants to see any call");
		return EXIT_POINTSMAN;
	}
	section = make_profile(&json, profile);
	if (json.failed)
		complain("oci-profile: %s", strerror(ENOMEM));
	else
		puts(json_object_to_json_string_ext(section, JSON_C_TO_STRING_PRETTY |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(section);
	return json.failed ? EXIT_POINTSMAN : finish_output();
}

int oci_profile_command(int argc, char **argv)
{
	struct profile profile = { 0 };
	int status = EXIT_POINTSMAN;

	if (!parse(&profile, argc, argv)) {
		if (profile.help) {
			oci_profile_help(stdout);
			status = finish_output();
		} else if (!read_policies(&profile) && !check(&profile)) {
			tell_refused(&profile);
			status = print(&profile);
		}
	}
	for (size_t i = 0; i < profile.n; i++)
		policy_free(profile.policies[i]);
	free(profile.policies);
	free(profile.layers);
	free(profile.files);
	return status;
}
