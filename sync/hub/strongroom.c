#include "sync/hub/strongroom.h"

enum { MIB = 1024 * 1024, WATCH_MS = 2000 };

/* --- What is heard of the database ----------------------------------------------------------- */

static void on_changed(void *context)
{
    struct strongroom *room = context;
    room->changed(room->context);
}

static void begin_anew(void *context)
{
    struct strongroom *room = context;
    if (!room->ending)
        room->config->begin_anew(room->config->context);
    room->ending = true;
}

/* Opened anew it is rescued. */
static void on_damaged(void *context)
{
    struct strongroom *room = context;
    if (!room->ending && auditor_would_rescue(room->auditor))
        begin_anew(room);
}

/* The worker met a page or a row that can't be read. */
static void on_corrupt(void *context)
{
    struct strongroom *room = context;
    struct fault fault;
    if (room->ending || !worker_fails(room->worker, &fault))
        return;
    auditor_meet(room->auditor, &fault);
    on_damaged(room);
}

/* --- Opening and closing --------------------------------------------------------------------- */

static enum err open_vault(struct strongroom *room, struct fault *fault)
{
    const char *state = room->config->state;
    enum err err = vault_open(&room->vault, hubdb_database(room->db), state, fault);
    if (!err && !room->vault.open)
        diag_write(room->config->diag, DIAG_WARN, "hub.contacts_closed",
                   "contact-secret in %s isn't the one that customers' keys are sealed with: this "
                   "hub neither takes nor shows contacts until it has the other hub's",
                   state);
    return err;
}

enum err strongroom_open(struct strongroom *room, struct loop *loop,
                         const struct hub_config *config, struct fault *fault)
{
    const struct auditor_config auditor = {
        .database = {.path = config->database,
                     .folder = config->state,
                     .now_ms = clock_wall_ms(config->clock)},
        .loop = loop,
        .diag = config->diag,
        .damaged = on_damaged,
        .context = room,
    };
    room->loop = loop;
    room->config = config;
    enum err err = auditor_open(&room->auditor, &auditor, fault);
    if (!err)
        err = auditor_open_hub(room->auditor, &room->db, fault);
    if (!err)
        err = hubdb_open_beside(&room->reader, &auditor.database, true, fault);
    if (!err)
        err = database_hurry(hubdb_database(room->reader), fault);
    if (!err)
        err = auditor_begin(room->auditor, room->reader, fault);
    if (err)
        return err;
    if (hubdb_restored(room->db))
        diag_write(config->diag, DIAG_WARN, "hub.restored",
                   "the database is older than what this hub once answered: epoch %lld begins",
                   (long long)hubdb_epoch(room->db));
    return open_vault(room, fault);
}

enum err strongroom_begin(struct strongroom *room, void (*changed)(void *context), void *context,
                          struct fault *fault)
{
    const struct hub_config *config = room->config;
    const struct worker_config worker = {
        .max_waiting_bytes = (size_t)settings_int(config->settings, "ingest.queue_mib") * MIB,
        .diag = config->diag,
        .changed = on_changed,
        .replaced = begin_anew,
        .corrupt = on_corrupt,
        .context = room,
        .watch_ms = WATCH_MS,
    };
    room->changed = changed;
    room->context = context;
    return worker_open(&room->worker, room->loop, room->db, &worker, fault);
}

void strongroom_end(struct strongroom *room)
{
    room->ending = true; /* for what is posted already */
    worker_close(room->worker);
}

void strongroom_close(struct strongroom *room)
{
    auditor_close(room->auditor);
    hubdb_close(room->reader);
    hubdb_close(room->db);
    vault_wipe(&room->vault);
}
