/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "landmarks.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "alike.h"
#include "cleanup.h"
#include "hash.h"

/* Programs that make fewer calls end before it pays. */
#define FIRST_CALLS 64
/*
 * What it costs to keep one, and that a name has changed.  Without anything saved one call in
 * so many may be tried with.
 */
#define KEEP_COST 4
#define CHANGE_COST 32
#define FREE_EACH 8
#define SAVED_MAX 1024
/* So often is a directory looked into before it is kept. */
#define TIMES 3
/* And so often, where it could not be kept, before that is tried again. */
#define HOPELESS 1000

#define CHANGES (FAN_MOVE_SELF | FAN_DELETE_SELF | FAN_ATTRIB | FAN_ONDIR)

static void drain(int watch)
{
	char events[4096];

	while (read(watch, events, sizeof(events)) > 0)
		;
}

static void clear(struct landmarks *landmarks)
{
	while (landmarks->n) {
		struct landmark *landmark = &landmarks->all[--landmarks->n];

		close(landmark->fd);
		free(landmark->name);
	}
	while (landmarks->nmarked)
		free(landmarks->marked[--landmarks->nmarked].name);
}

static void start_anew(struct landmarks *landmarks)
{
	clear(landmarks);
	if (fanotify_mark(landmarks->watch, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL))
		landmarks->off = true;
	drain(landmarks->watch);
	landmarks->anew++;
}

static void changed(struct landmarks *landmarks)
{
	start_anew(landmarks);
	landmarks->saved -= CHANGE_COST;
}

static const struct landmark *found(struct landmarks *landmarks, struct landmark *landmark)
{
	landmark->used = true;
	if (landmarks->saved < SAVED_MAX)
		landmarks->saved++;
	return landmark;
}

void landmarks_looked(struct landmarks *landmarks, bool some)
{
	if (some && landmarks->n)
		changed(landmarks);
	else if (some)
		start_anew(landmarks);
	landmarks->seen++;
}

void landmarks_look(struct landmarks *landmarks)
{
	struct pollfd fds[2] = { { .fd = landmarks->watch, .events = POLLIN },
				 { .fd = landmarks->mounts, .events = POLLPRI } };

	if (landmarks->n)
		landmarks_looked(landmarks, poll(fds, 2, 0) != 0);
}

static struct landmark *search(struct landmarks *landmarks, const char *name, size_t len)
{
	uint32_t hash = hash_name(name, len);

	for (size_t i = 0; i < landmarks->n; i++) {
		struct landmark *landmark = &landmarks->all[i];

		if (landmark->hash == hash && landmark->len == len &&
		    !memcmp(landmark->name, name, len))
			return landmark;
	}
	return NULL;
}

const struct landmark *landmarks_find(struct landmarks *landmarks, const char *name, size_t len)
{
	struct landmark *landmark = search(landmarks, name, len);

	return landmark && landmark->seen != landmarks->seen ? found(landmarks, landmark) : NULL;
}

const struct landmark *landmarks_of(struct landmarks *landmarks, const struct object *is)
{
	for (size_t i = 0; i < landmarks->n; i++) {
		struct landmark *landmark = &landmarks->all[i];

		if (landmark->is.ino == is->ino && landmark->seen != landmarks->seen &&
		    same_object(&landmark->is, is))
			return found(landmarks, landmark);
	}
	return NULL;
}

/* Is the mount one of those whose changes this process is told of? */
static bool is_listed(const char *mountinfo, uint64_t mount)
{
	FILE *file = fopen(mountinfo, "re");
	unsigned long long id;
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) > 0)
		found = sscanf(line, "%llu", &id) == 1 && id == mount;
	free(line);
	if (file)
		fclose(file);
	return found;
}

static bool tell(int events, int fd, uint32_t what)
{
	struct epoll_event event = { .events = what, .data.u32 = LANDMARKS_CHANGE };

	return !events || !epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
}

static bool start(struct landmarks *landmarks, const struct place *root)
{
	static const char mountinfo[] = "/proc/self/mountinfo";
	struct statfs fs;

	if (fstatfs(root->fd, &fs) || !alike_learn(root->is.dev, fs.f_type))
		return false;
	/* Whoever reads it is told of what changes from then on. */
	landmarks->mounts = open(mountinfo, O_RDONLY | O_CLOEXEC);
	if (landmarks->mounts < 0)
		return false;
	landmarks->watch = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC |
					 FAN_NONBLOCK, 0);
	if (landmarks->watch >= 0 && is_listed(mountinfo, root->is.mount) &&
	    tell(landmarks->events, landmarks->watch, EPOLLIN) &&
	    tell(landmarks->events, landmarks->mounts, EPOLLPRI))
		return true;
	cleanup_close(&landmarks->watch);
	cleanup_close(&landmarks->mounts);
	return false;
}

static bool is_marked(const struct landmarks *landmarks, const char *name, uint32_t hash)
{
	for (size_t i = 0; i < landmarks->nmarked; i++)
		if (landmarks->marked[i].hash == hash && !strcmp(landmarks->marked[i].name, name))
			return true;
	return false;
}

/* From the root down: what is moved away before the next one is marked has left an event. */
static bool mark(struct landmarks *landmarks, const struct place *root, const char *name)
{
	uint32_t hash = hash_name(name, strlen(name));
	char *copy;

	if (is_marked(landmarks, name, hash))
		return true;
	if (landmarks->nmarked == LANDMARKS_MARKED)
		return false;
	copy = strdup(name);
	if (!copy)
		return false;
	if (fanotify_mark(landmarks->watch,
			  FAN_MARK_ADD | FAN_MARK_ONLYDIR | FAN_MARK_DONT_FOLLOW, CHANGES, root->fd,
			  *name ? name + 1 : ".")) {
		free(copy);
		return false;
	}
	landmarks->marked[landmarks->nmarked++] = (struct marked){ .hash = hash, .name = copy };
	return true;
}

static bool mark_all(struct landmarks *landmarks, const struct place *root, char *name)
{
	bool marked = mark(landmarks, root, "");

	for (char *end = name; marked && *end;) {
		char kept;

		end = strchrnul(end + 1, '/');
		kept = *end;
		*end = '\0';
		marked = mark(landmarks, root, name);
		*end = kept;
	}
	return marked;
}

static size_t depth_of(const char *name)
{
	size_t depth = 1;

	for (; *name; name++)
		depth += *name == '/';
	return depth;
}

/* Room for one more: of what is kept, something that was not used of late is given up. */
static struct landmark *make_room(struct landmarks *landmarks)
{
	struct landmark *landmark;

	if (landmarks->n < LANDMARKS)
		return &landmarks->all[landmarks->n++];
	for (;; landmark->used = false) {
		landmark = &landmarks->all[landmarks->next++ % LANDMARKS];
		if (!landmark->used)
			break;
	}
	close(landmark->fd);
	free(landmark->name);
	return landmark;
}

static bool keep(struct landmarks *landmarks, const struct place *root, char *name, size_t len)
{
	struct object is;
	auto_close int fd = -1;

	if (landmarks->nmarked + depth_of(name) > LANDMARKS_MARKED)
		start_anew(landmarks);
	if (landmarks->off || !mark_all(landmarks, root, name))
		return false;
	fd = open_how_path(root->fd, len ? name + 1 : ".", O_DIRECTORY | O_NOFOLLOW,
			   RESOLVE_NO_SYMLINKS);
	if (fd < 0 || object_of(fd, &is) || is.mount != root->is.mount || is.dev != root->is.dev)
		return false;
	*make_room(landmarks) = (struct landmark){ .fd = steal_fd(&fd), .seen = landmarks->seen,
						   .is = is, .hash = hash_name(name, len),
						   .len = len, .name = name };
	return true;
}

static struct met *meet(struct landmarks *landmarks, const char *name, size_t len)
{
	uint32_t hash = hash_name(name, len);
	struct met *met = &landmarks->met[hash % LANDMARKS];

	if (met->hash != hash)
		*met = (struct met){ .hash = hash };
	met->times++;
	return met;
}

void landmarks_met(struct landmarks *landmarks, const struct place *root, const char *name,
		   size_t len)
{
	struct met *met;
	char *copy;

	if (landmarks->off || ++landmarks->calls < FIRST_CALLS)
		return;
	if (!(landmarks->calls % FREE_EACH))
		landmarks->saved++;
	met = meet(landmarks, name, len);
	if (met->times < TIMES || landmarks->saved < KEEP_COST || search(landmarks, name, len))
		return;
	met->times = 0;
	landmarks->saved -= KEEP_COST;
	if (!landmarks->on) {
		landmarks->on = start(landmarks, root);
		landmarks->off = !landmarks->on;
	}
	copy = landmarks->on ? strndup(name, len) : NULL;
	if (copy && !keep(landmarks, root, copy, len)) {
		free(copy);
		met->times = -HOPELESS;
	}
}

void landmarks_set_gone(struct landmarks *landmarks, const char *name, size_t len, bool gone)
{
	uint32_t hash = hash_name(name, len);
	uint32_t *entry = &landmarks->gone[hash % LANDMARKS];

	if (gone)
		*entry = hash;
	else if (*entry == hash)
		*entry = 0;
}

bool landmarks_was_gone(const struct landmarks *landmarks, const char *name, size_t len)
{
	uint32_t hash = hash_name(name, len);

	return landmarks->gone[hash % LANDMARKS] == hash;
}

void landmarks_forget(struct landmarks *landmarks)
{
	if (!landmarks->on)
		return;
	clear(landmarks);
	close(landmarks->watch);
	close(landmarks->mounts);
	*landmarks = (struct landmarks){ .off = landmarks->off, .events = landmarks->events };
}
