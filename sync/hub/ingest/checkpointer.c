#include "sync/hub/ingest/checkpointer.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * Sizes of the write-ahead log. From DUE_PAGES (4 MiB, SQLite's own limit) on it is written back
 * beside the writer; from LONG_PAGES on the writer waits for that, which costs it less the longer
 * the log is; above CROWDED_PAGES readers must be in the way, and are waited for READERS_MS.
 */
enum {
    DUE_PAGES = 1000,
    LONG_PAGES = 16 * DUE_PAGES,
    CROWDED_PAGES = 18 * DUE_PAGES,
    READERS_MS = 50
};

struct checkpointer {
    struct database *writer;
    struct database *own;
    int64_t due;   /* at so many pages it is tended; this and the next are the writer's thread's */
    int64_t pages; /* there were when it was looked at last */
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t turn;
    bool asked; /* until it is begun */
    bool moving;
    bool stopping;
};

static void *serve(void *context)
{
    struct checkpointer *c = context;
    pthread_mutex_lock(&c->lock);
    while (c->asked || !c->stopping) {
        if (c->asked) {
            c->asked = false; /* what is committed from now on may be asked for again */
            c->moving = true;
            pthread_mutex_unlock(&c->lock);
            (void)database_checkpoint(c->own); /* what is left or failed has its next turn */
            pthread_mutex_lock(&c->lock);
            c->moving = false;
            pthread_cond_broadcast(&c->turn);
        } else {
            pthread_cond_wait(&c->turn, &c->lock);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void ask(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    c->asked = true;
    pthread_cond_broadcast(&c->turn);
    pthread_mutex_unlock(&c->lock);
}

static void await_rest(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->asked || c->moving)
        pthread_cond_wait(&c->turn, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

void checkpointer_tend(struct checkpointer *c)
{
    if (!c)
        return;
    int64_t pages = database_wal_pages(c->writer);
    if (pages < c->pages)
        c->due = DUE_PAGES; /* it has begun anew */
    c->pages = pages;
    if (pages < c->due)
        return;
    if (pages >= LONG_PAGES)
        await_rest(c);
    if (pages >= CROWDED_PAGES)
        (void)database_cut_wal_within(c->writer, READERS_MS);
    else if (pages >= LONG_PAGES)
        (void)database_checkpoint(c->writer);
    else
        ask(c);
    c->due = pages + DUE_PAGES;
}

static enum err start(struct checkpointer *c, struct fault *fault)
{
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->turn, NULL);
    int error = pthread_create(&c->thread, NULL, serve, c);
    if (!error)
        return ERR_OK;
    pthread_cond_destroy(&c->turn);
    pthread_mutex_destroy(&c->lock);
    return fault_errno(fault, error, "", "start the thread that tends the write-ahead log");
}

enum err checkpointer_open(struct checkpointer **out, struct hubdb *hub, struct fault *fault)
{
    *out = NULL;
    if (hubdb_on_server(hub))
        return ERR_OK;
    struct checkpointer *c = calloc(1, sizeof *c);
    if (!c)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    c->writer = hubdb_database(hub);
    c->due = DUE_PAGES;
    const struct database_config config = {.path = database_name(c->writer)};
    enum err err = database_open(&c->own, &config, fault);
    if (!err)
        err = start(c, fault);
    if (err) {
        database_close(c->own);
        free(c);
        return err;
    }
    database_checkpoint_by_hand(c->writer);
    *out = c;
    return ERR_OK;
}

void checkpointer_close(struct checkpointer *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->turn);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->turn);
    pthread_mutex_destroy(&c->lock);
    database_close(c->own);
    free(c);
}
