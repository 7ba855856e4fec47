/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "script.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call_private.h"
#include "cleanup.h"
#include "memory.h"
#include "regs.h"
#include "rights.h"

#define HEAD 256	/* BINPRM_BUF_SIZE: what the kernel looks at */

enum format { FORMAT_PROGRAM, FORMAT_SCRIPT, FORMAT_OTHER };

/* A "#!" line, cut into its two words in place. */
struct line {
	char bytes[HEAD + 1];
	char *name, *argument;	/* argument: NULL where there is none */
};

/* The first bytes of a file that is held open as O_PATH.  A length or -errno. */
static ssize_t read_head(int fd, char *head)
{
	auto_close int file = -1;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0)
		return -errno;
	len = read(file, head, HEAD);
	return len < 0 ? -errno : len;
}

/* The interpreter and its one argument, which may hold spaces but not end in any. */
static void cut_line(struct line *line)
{
	char *at = line->bytes + 2, *end;

	if (!memchr(line->bytes, '\n', HEAD))
		line->bytes[HEAD - 1] = '\0';
	at[strcspn(at, "\n")] = '\0';
	for (end = at + strlen(at); end > at && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	at += strspn(at, " \t");
	line->name = at;
	at += strcspn(at, " \t");
	line->argument = NULL;
	if (*at) {
		*at++ = '\0';
		line->argument = at + strspn(at, " \t");
	}
}

/* The machines whose programs the kernel runs itself. */
static bool is_native(const char *head)
{
	uint16_t machine;

	memcpy(&machine, head + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	return machine == EM_X86_64 || machine == EM_386;
}

static enum format look(const struct pm_where *where, struct line *line)
{
	ssize_t len;

	memset(line->bytes, 0, sizeof(line->bytes));
	len = where->fd < 0 ? -ENOENT : read_head(where->fd, line->bytes);
	/*
	 * May be executed but not read, or not before somebody gives a lease back, for
	 * which nobody waits here: if it is a script after all, it is refused.
	 */
	if (len == -EACCES || len == -EPERM || len == -EWOULDBLOCK)
		return FORMAT_PROGRAM;
	if (len < 0)
		return FORMAT_OTHER;
	if (len > SELFMAG && !memcmp(line->bytes, ELFMAG, SELFMAG))
		return is_native(line->bytes) ? FORMAT_PROGRAM : FORMAT_OTHER;
	if (len < 2 || line->bytes[0] != '#' || line->bytes[1] != '!')
		return FORMAT_OTHER;
	cut_line(line);
	return FORMAT_SCRIPT;
}

static bool runs_programs(const struct pm_call *call)
{
	return call->name && !strncmp(call->name, "execve", 6);
}

static struct pm_item *program_item(struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++)
		if (call->items[i].kind == PM_ITEM_PATH && strcmp(call->items[i].role, SCRIPT_ROLE))
			return &call->items[i];
	return NULL;
}

static struct pm_item *add_interpreter(struct pm_call *call, const char *name)
{
	struct pm_item *item = call_add_item(call, PM_ITEM_PATH, NULL);

	if (!item)
		return NULL;
	item->data = copy_bytes(name, strlen(name));
	if (!item->data) {
		call_drop_item(call);
		return NULL;
	}
	item->len = strlen(name);
	item->role = SCRIPT_ROLE;
	item->arg = PM_NO_REGISTER;
	item->classes = PM_BIT(PM_CLASS_EXEC);
	item->dirfd = AT_FDCWD;
	return item;
}

/* What may not be executed is not read: its interpreter would be told by the error. */
static bool may_execute(const struct pm_call *call, const struct pm_where *where)
{
	const struct pm_view_known *known = &call->priv->known;
	struct rights rights = { 0 };
	bool may = false;

	if (!(where->st.st_mode & 0111))
		return false;
	if ((known->rights || !rights_of(call->tid, known->users, &rights)) &&
	    !rights_take(&rights))
		may = !syscall(SYS_faccessat2, where->fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) ||
		      errno == ENOSYS;
	rights_free(&rights);
	return may;
}

int script_add_items(struct pm_call *call)
{
	struct pm_item *item = runs_programs(call) ? program_item(call) : NULL;
	const struct pm_where *where = item ? pm_item_where(call, item) : NULL;
	struct line line;

	for (int depth = 0; where && where->exists && S_ISREG(where->st.st_mode); depth++) {
		enum format format;

		item->priv->closed = !may_execute(call, where);
		if (item->priv->closed)
			return 0;
		format = look(where, &line);
		item->priv->native = format == FORMAT_PROGRAM;
		if (format != FORMAT_SCRIPT)
			return 0;
		if (!*line.name)
			return -ENOEXEC;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		item = add_interpreter(call, line.name);
		if (!item)
			return -ENOMEM;
		where = pm_item_where(call, item);
		if (where->err || !where->exists)
			return where->err ? -where->err : -ENOENT;
	}
	return 0;
}

/* The interpreter that a layer has changed, or NULL. */
static struct pm_item *changed_interpreter(struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++)
		if (!strcmp(call->items[i].role, SCRIPT_ROLE) && call->items[i].priv->redirected)
			return &call->items[i];
	return NULL;
}

/*
 * As binfmt_script lays them out: the interpreter's name as it was spelled, its
 * argument, the script as it was spelled, and the arguments after the first.
 */
static int set_script_argv(struct pm_call *call, const struct line *line, const char *script)
{
	struct pm_item *argv = pm_call_item(call, PM_ITEM_STRV, "argv");
	auto_free char **words = NULL;
	size_t n = 0;

	if (!argv)
		return 0;
	words = calloc(argv->nstr + 4, sizeof(*words));
	if (!words)
		return -ENOMEM;
	words[n++] = line->name;
	if (line->argument)
		words[n++] = line->argument;
	words[n++] = (char *)script;
	for (size_t i = 1; i < argv->nstr; i++)
		words[n++] = argv->strv[i];
	return pm_call_set_strv(call, argv, words);
}

int script_apply(struct pm_call *call)
{
	const struct pm_reader reader = memory_reader(&call->tid);
	struct pm_item *changed, *item;
	auto_free char *script = NULL, *program = NULL;
	struct line line;
	int err;

	if (!runs_programs(call) || !changed_interpreter(call) || !program_item(call))
		return 0;
	/* The interpreter's arguments are made of them. */
	err = call_read_vectors(call, &reader);
	if (err)
		return err;
	changed = changed_interpreter(call);
	item = program_item(call);
	/* Of the first interpreter only: one that is a script itself is rare and its own. */
	if (changed != pm_call_item(call, PM_ITEM_PATH, SCRIPT_ROLE) ||
	    look(pm_item_where(call, item), &line) != FORMAT_SCRIPT)
		return -EACCES;
	script = strdup((char *)item->data);
	program = strdup((char *)changed->data);
	if (!script || !program)
		return -ENOMEM;
	err = set_script_argv(call, &line, script);
	return err ? err : pm_call_set_path(call, item, program);
}

int pm_call_follow_program(struct pm_call *call)
{
	int err;

	if (!runs_programs(call))
		return 0;
	/* Of a copy: the supervisor does it with the call. */
	if (call->priv->changes)
		return -EOPNOTSUPP;
	err = script_apply(call);
	if (err || !runs_programs(call))
		return err;
	while (call->nitems && !strcmp(call->items[call->nitems - 1].role, SCRIPT_ROLE))
		call_drop_item(call);
	return script_add_items(call);
}

/* The words of one more script go before those of the scripts that it interprets. */
static int add_words(struct program *program, const struct line *line)
{
	size_t n = line->argument ? 2 : 1;

	if (program->nwords + n > SCRIPT_WORDS)
		return -ENOMEM;
	memmove(program->words + n, program->words, program->nwords * sizeof(*program->words));
	program->words[0] = strdup(line->name);
	if (n == 2)
		program->words[1] = strdup(line->argument);
	program->nwords += n;
	return program->words[0] && program->words[n - 1] ? 0 : -ENOMEM;
}

/*
 * May the call run a file that could not be executed when it was looked at?  It
 * may be a script now, and no layer was asked about its interpreter.
 */
static bool runs_closed(const struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++)
		if (call->items[i].priv->closed)
			return true;
	return false;
}

/* The interpreter that the layers were shown after this item, or NULL. */
static struct pm_item *interpreter_after(struct pm_call *call, struct pm_item *item)
{
	struct pm_item *end = call->items + call->nitems;

	while (++item < end)
		if (!strcmp(item->role, SCRIPT_ROLE))
			return item;
	return NULL;
}

int script_program(struct pm_call *call, struct program *program)
{
	struct pm_item *item = program_item(call);
	const struct pm_where *where = item ? pm_item_where(call, item) : NULL;
	enum format format = FORMAT_OTHER;
	struct line line;

	while (where && where->exists) {
		int err;

		program->dev = where->st.st_dev;
		program->ino = where->st.st_ino;
		/* If it has become a script since, it is not the file that runs in the end. */
		format = item->priv->native ? FORMAT_PROGRAM : look(where, &line);
		if (format != FORMAT_SCRIPT)
			break;
		item = interpreter_after(call, item);
		if (!item || strcmp((char *)item->data, line.name))
			return -EACCES;
		err = add_words(program, &line);
		if (err)
			return err;
		where = pm_item_where(call, item);
	}
	program->set = where != NULL;
	program->misc = !where || !where->exists || format != FORMAT_PROGRAM;
	if (runs_closed(call)) {
		program->misc = false;
		program->dev = program->ino = 0;
	}
	return 0;
}

/* One script less: its interpreter, the item after it, is the program. */
static int expand_one(struct pm_call *call, struct pm_item *item, const struct line *line)
{
	struct pm_item *interpreter = interpreter_after(call, item);
	auto_free char *script = strdup((char *)item->data);
	int err;

	if (!script)
		return -ENOMEM;
	if (!interpreter || strcmp((char *)interpreter->data, line->name))
		return -EACCES;
	err = set_script_argv(call, line, script);
	if (!err)
		err = pm_call_set_path(call, item, line->name);
	/* The ones after it move up: what comes last is not looked at any more. */
	for (struct pm_item *next; !err && (next = interpreter_after(call, interpreter));
	     interpreter = next)
		err = pm_call_set_path(call, interpreter, (char *)next->data);
	if (!err)
		call_drop_item(call);
	return err;
}

int script_expand(struct pm_call *call)
{
	struct pm_item *item = program_item(call);
	struct line line;
	int err = 0;

	while (!err && item) {
		/* What was held open has been let go of. */
		item_forget_where(item);
		if (look(pm_item_where(call, item), &line) != FORMAT_SCRIPT)
			break;
		err = expand_one(call, item, &line);
	}
	return err;
}

void program_clear(struct program *program)
{
	for (size_t i = 0; i < program->nwords; i++)
		free(program->words[i]);
	program->nwords = 0;
}

/* Does this entry of binfmt_misc name the file as its interpreter? */
static bool names_helper(int dir, const char *entry, const struct stat *st)
{
	int fd = openat(dir, entry, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[PATH_MAX + 16];
	struct stat helper;
	bool found = false;

	if (!file) {
		cleanup_close(&fd);
		return false;
	}
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strncmp(line, "interpreter ", 12) && !stat(line + 12, &helper) &&
			helper.st_dev == st->st_dev && helper.st_ino == st->st_ino;
	}
	fclose(file);
	return found;
}

/* Is the file one of the helpers that the administrator has set for other formats? */
static bool is_helper(const struct stat *st)
{
	DIR *dir = opendir("/proc/sys/fs/binfmt_misc");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_type != DT_DIR && strcmp(entry->d_name, "register") &&
			names_helper(dirfd(dir), entry->d_name, st);
	if (dir)
		closedir(dir);
	return found;
}

static bool runs_file(const struct program *program, pid_t tid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", tid);
	if (stat(path, &st))
		return false;
	if (program->misc)
		return is_helper(&st);
	return st.st_dev == program->dev && st.st_ino == program->ino;
}

/* Is this word at this address?  It ends with its NUL. */
static bool is_word(pid_t tid, uint64_t at, const char *word)
{
	size_t len = strlen(word) + 1;
	char there[HEAD + 1];

	return len <= sizeof(there) && !memory_read(tid, at, there, len) &&
	       !memcmp(there, word, len);
}

/*
 * The first line of a script may have been another one when the kernel read it:
 * the new image's argv says which.  On its stack lie argc and then argv.
 */
static bool has_words(const struct program *program, pid_t tid)
{
	uint64_t stack, word;
	size_t width;

	if (!program->nwords)
		return true;
	if (regs_new_image(tid, &stack, &width))
		return false;
	for (size_t i = 0; i < program->nwords; i++) {
		word = 0;
		if (memory_read(tid, stack + (i + 1) * width, &word, width) ||
		    !is_word(tid, word, program->words[i]))
			return false;
	}
	return true;
}

bool program_runs(const struct program *program, pid_t tid)
{
	return runs_file(program, tid) && has_words(program, tid);
}
