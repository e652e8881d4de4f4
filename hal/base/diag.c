#include "hal/base/diag.h"
#include "hal/base/jsonw.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192, SENTENCE_MAX = 512 };

struct diag {
    int fd;
    const char *program;
    enum diag_level least; /* both written by any thread */
    bool shedding;
    pthread_mutex_t mutex;
    char *kept[DIAG_KEPT_LINES]; /* a ring; the oldest is at `next` */
    size_t next;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

enum diag_level diag_level_of(const char *word)
{
    for (int i = DIAG_DEBUG; i <= DIAG_ERROR; i++)
        if (strcmp(word, level_names[i]) == 0)
            return (enum diag_level)i;
    return DIAG_INFO;
}

struct diag *diag_open(int fd, const char *program, enum diag_level least)
{
    struct diag *d = calloc(1, sizeof *d);
    if (d)
        *d = (struct diag){
            .fd = fd, .program = program, .least = least, .mutex = PTHREAD_MUTEX_INITIALIZER};
    return d;
}

void diag_set_least(struct diag *d, enum diag_level least)
{
    if (d)
        __atomic_store_n(&d->least, least, __ATOMIC_RELAXED);
}

void diag_close(struct diag *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < DIAG_KEPT_LINES; i++)
        free(d->kept[i]);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}

/* A line that is too long, or that there is no memory for, is not kept. */
static void keep(struct diag *d, const struct buf *line)
{
    char *copy = line->len <= DIAG_KEPT_BYTES ? strndup(line->data, line->len) : NULL;
    if (!copy)
        return;
    pthread_mutex_lock(&d->mutex);
    free(d->kept[d->next]);
    d->kept[d->next] = copy;
    d->next = (d->next + 1) % DIAG_KEPT_LINES;
    pthread_mutex_unlock(&d->mutex);
}

void diag_recall(struct diag *d, void (*line)(void *context, struct slice text), void *context)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->mutex);
    for (size_t i = 0; i < DIAG_KEPT_LINES; i++) {
        const char *text = d->kept[(d->next + i) % DIAG_KEPT_LINES];
        if (text)
            line(context, slice_of(text));
    }
    pthread_mutex_unlock(&d->mutex);
}

void diag_shed(struct diag *d, bool shedding)
{
    if (d)
        __atomic_store_n(&d->shedding, shedding, __ATOMIC_RELAXED);
}

static bool is_wanted(const struct diag *d, enum diag_level level)
{
    return d && level >= __atomic_load_n(&d->least, __ATOMIC_RELAXED) &&
           (level == DIAG_ERROR || !__atomic_load_n(&d->shedding, __ATOMIC_RELAXED));
}

static struct jsonw begin_line(struct diag *d, struct buf *line, enum diag_level level,
                               const char *name)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    buf_init(line, LINE_MAX_BYTES);
    struct jsonw w = jsonw_to(line);
    jsonw_object(&w, NULL);
    jsonw_time(&w, "time", (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    jsonw_text(&w, "program", d->program);
    jsonw_text(&w, "level", level_names[level]);
    jsonw_text(&w, "name", name);
    return w;
}

/* One write(2) a line, so that lines of several threads don't mix. */
static void end_line(struct diag *d, struct buf *line, struct jsonw *w)
{
    jsonw_end(w);
    if (!line->failed)
        keep(d, line);
    buf_append_char(line, '\n');
    if (!line->failed) {
        ssize_t written = write(d->fd, line->data, line->len);
        (void)written; /* there is nowhere left to say it */
    }
    buf_free(line);
}

void diag_write(struct diag *d, enum diag_level level, const char *name, const char *format, ...)
{
    if (!is_wanted(d, level))
        return;
    char sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    struct buf line;
    struct jsonw w = begin_line(d, &line, level, name);
    jsonw_text(&w, "text", sentence);
    end_line(d, &line, &w);
}

void diag_fault(struct diag *d, enum diag_level level, const char *name, const struct fault *fault)
{
    if (!is_wanted(d, level))
        return;
    struct buf line;
    struct jsonw w = begin_line(d, &line, level, name);
    jsonw_text(&w, "code", err_name(fault->code));
    if (fault->where[0])
        jsonw_text(&w, "where", fault->where);
    jsonw_text(&w, "text", fault->text);
    end_line(d, &line, &w);
}
