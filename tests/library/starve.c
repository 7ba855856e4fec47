/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "starve.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is behind ours: glibc's, or the sanitizer's, which looks at what it gave out. */
#ifdef __SANITIZE_ADDRESS__
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *at, size_t size);
void REAL(free)(void *at);

/* Shared by all processes; NULL: nothing fails yet. */
static struct {
	_Atomic enum starve what;
	_Atomic bool lasting;
	_Atomic pid_t only;	/* or 0 */
	_Atomic long left;	/* until one fails */
	_Atomic long failed;
} *page;

static _Atomic long held;

void *shared(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

void starve_init(void)
{
	page = shared(sizeof(*page));
}

void starve_begin(enum starve what, long n, bool lasting)
{
	page->only = 0;
	page->lasting = lasting;
	page->left = n;
	page->failed = 0;
	page->what = what;
}

void starve_here(long n)
{
	page->only = getpid();
	page->lasting = false;
	page->left = n;
	page->failed = 0;
	page->what = STARVE_MEMORY;
}

long starve_end(void)
{
	page->what = STARVE_NOTHING;
	return page->failed;
}

long starve_held(void)
{
	return held;
}

static bool fails(enum starve what)
{
	long left;

	if (!page || page->what != what || (page->only && page->only != getpid()))
		return false;
	left = atomic_fetch_sub(&page->left, 1);
	if (left > 1 || (left < 1 && !page->lasting))
		return false;
	page->failed++;
	return true;
}

static void *given(void *at)
{
	if (at)
		held++;
	return at;
}

static void *refused(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t size)
{
	return fails(STARVE_MEMORY) ? refused() : given(REAL(malloc)(size));
}

void *calloc(size_t n, size_t size)
{
	return fails(STARVE_MEMORY) ? refused() : given(REAL(calloc)(n, size));
}

void *realloc(void *at, size_t size)
{
	if (fails(STARVE_MEMORY))
		return refused();
	return at ? REAL(realloc)(at, size) : given(REAL(realloc)(at, size));
}

void free(void *at)
{
	if (at)
		held--;
	REAL(free)(at);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*body)(void *),
		   void *data)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (fails(STARVE_THREADS))
		return EAGAIN;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, body, data);
}
