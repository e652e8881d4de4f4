#include "tests/support/torture.h"
#include "tests/support/names.h"
#include "tests/support/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    enum torture call;
    int in; /* calls until it strikes */
    bool struck;
} fault;

static bool strikes(enum torture call)
{
    if (__atomic_load_n(&fault.call, __ATOMIC_RELAXED) != call)
        return false;
    if (__atomic_sub_fetch(&fault.in, 1, __ATOMIC_RELAXED) != 0)
        return false;
    __atomic_store_n(&fault.struck, true, __ATOMIC_RELAXED);
    return true;
}

void torture_arm(enum torture call, int nth)
{
    __atomic_store_n(&fault.call, TORTURE_NONE, __ATOMIC_RELAXED);
    __atomic_store_n(&fault.in, nth, __ATOMIC_RELAXED);
    __atomic_store_n(&fault.struck, false, __ATOMIC_RELAXED);
    __atomic_store_n(&fault.call, call, __ATOMIC_RELAXED);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_fsync(int fd);

void *__wrap_malloc(size_t size)
{
    return strikes(TORTURE_ALLOCATION) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return strikes(TORTURE_ALLOCATION) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return strikes(TORTURE_ALLOCATION) ? NULL : __real_realloc(memory, size);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(more, int) : 0;
    va_end(more);
    if (strikes(TORTURE_OPEN)) {
        errno = EMFILE;
        return -1;
    }
    return names_open(path, flags, mode);
}

int __wrap_rename(const char *from, const char *to)
{
    if (strikes(TORTURE_RENAME)) {
        errno = EIO;
        return -1;
    }
    return names_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    return names_unlink(path);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return names_mkdir(path, mode);
}

int __wrap_fsync(int fd)
{
    if (strikes(TORTURE_SYNC)) {
        errno = EIO;
        return -1;
    }
    return names_fsync(fd);
}

static sqlite3_mem_methods memory;

static void *sqlite_malloc(int size)
{
    return strikes(TORTURE_SQLITE) ? NULL : memory.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return strikes(TORTURE_SQLITE) ? NULL : memory.xRealloc(old, size);
}

/* Before SQLite is first used. */
int torture_take_sqlite_memory(void **state)
{
    (void)state;
    sqlite3_mem_methods ours;
    if (access("/dev/shm", W_OK) == 0) /* the power stays on: a real disk shows no more, slowly */
        (void)setenv("TMPDIR", "/dev/shm", false);
    int rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    ours = memory;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    return rc || sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}

bool torture_struck(void)
{
    return __atomic_load_n(&fault.struck, __ATOMIC_RELAXED);
}

void torture_each(enum torture call, int sample, bool (*day)(enum torture call, int nth))
{
    unsigned seed = (unsigned)seed_chosen();
    int calls = 1;
    while (day(call, calls))
        calls *= 2;         /* how long a day is, to within two */
    assert_true(calls > 1); /* else nothing was struck, and nothing was tried */
    const char *every = getenv("POWER_CUT_EVERY");
    int stride = every ? (int)strtol(every, NULL, 10) : 1 + calls / sample;
    if (stride < 1)
        stride = 1;
    int nth = 1 + (int)(seed % (unsigned)stride);
    while (day(call, nth))
        nth += stride;
}
