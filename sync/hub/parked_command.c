#include "sync/hub/parked_command.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"
#include "sync/hub/books_file.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/parked.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char who[] = "command line";

struct asked {
    const char *key;
    const char *reason;
    const char *data; /* a file */
};

/* --- Looking --------------------------------------------------------------------------------- */

static void print_text(struct statement *s, int column)
{
    struct slice text = column_slice(s, column);
    (void)printf("%.*s", (int)text.len, text.data);
}

static void print_item(struct statement *s)
{
    struct id id;
    char text[ID_TEXT + 1] = "no id";
    char since[RFC3339_TEXT + 1];
    if (!column_is_null(s, 1) && !column_bytes(s, 1, id.bytes, ID_BYTES))
        id_format(&id, text);
    rfc3339_format(column_int(s, 5), since);
    (void)printf("%" PRId64 "  %s  %s  ", (int64_t)column_int(s, 0), since, text);
    print_text(s, 6);
    (void)printf(" ");
    print_text(s, 7);
    (void)printf(" %" PRId64 "\n    ", (int64_t)column_int(s, 2));
    print_text(s, 3);
    (void)printf(": ");
    print_text(s, 4);
    (void)printf("\n");
}

/* Prints all, or the one of that number or id; *found counts. */
static enum err print_items(struct database *db, const char *key, int64_t *number, int *found,
                            struct fault *fault)
{
    struct id id;
    struct statement *s;
    bool row = true;
    bool by_id = key && id_parse(slice_of(key), &id) == ERR_OK;
    enum err err = database_statement(db, INGEST_PARKED_LIST, &s, fault);
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        struct slice claimed = column_slice(s, 1);
        char text[24];
        (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)column_int(s, 0));
        if (by_id ? claimed.len != ID_BYTES || memcmp(claimed.data, id.bytes, ID_BYTES) != 0
                  : key && strcmp(key, text) != 0)
            continue;
        *number = column_int(s, 0);
        (*found)++;
        print_item(s);
    }
    return err;
}

static enum err list(struct database *db, struct fault *fault)
{
    int64_t number;
    int found = 0;
    enum err err = print_items(db, NULL, &number, &found, fault);
    if (!err && !found)
        (void)printf("Nothing is parked.\n");
    return err;
}

static enum err show(struct database *db, const struct asked *asked, struct fault *fault)
{
    struct statement *s;
    bool row;
    int64_t number = 0;
    int found = 0;
    enum err err = print_items(db, asked->key, &number, &found, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, asked->key, "nothing is parked under it");
    if (!err)
        err = database_statement(db, INGEST_PARKED_BODY, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    err = database_step(db, s, &row, fault);
    if (!err && row) {
        (void)printf("    ");
        print_text(s, 0);
        (void)printf("\n");
    }
    return err;
}

/* --- Deciding -------------------------------------------------------------------------------- */

static enum err note(struct database *db, const char *verb, const struct asked *asked,
                     int64_t now_ms, struct fault *fault)
{
    char action[32];
    struct access_holder technician = {.role = ACCESS_IT};
    (void)snprintf(technician.name, sizeof technician.name, "%s", who);
    (void)snprintf(action, sizeof action, "parked.%s", verb);
    const struct access_act act = {.holder = &technician,
                                   .action = action,
                                   .subject = asked->key,
                                   .reason = asked->reason,
                                   .now_ms = now_ms};
    return access_note(db, &act, fault);
}

static enum err decide(struct database *db, const struct settings *settings, const char *verb,
                       const struct asked *asked, int64_t now_ms, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    struct books books = {0};
    struct news news = {0};
    struct parked_decision decision = {.by = who, .reason = asked->reason, .now_ms = now_ms};
    buf_init(&data, EVENT_BODY_MAX);
    decision.verdict = strcmp(verb, "discard") == 0 ? PARKED_DISCARD
                       : asked->data                ? PARKED_MEND
                                                    : PARKED_RESUBMIT;
    enum err err = asked->data ? storage_read(asked->data, &data, fault) : ERR_OK;
    if (!err)
        err = books_file_read(settings, &books, fault);
    decision.data = buf_slice(&data);
    if (!err)
        err = database_begin(db, fault);
    if (!err)
        err = parked_decide(db, &books, asked->key, &decision, &news, fault);
    if (!err)
        err = note(db, verb, asked, now_ms, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    books_close(&books);
    if (!err && news.parked)
        (void)printf("It was refused once more, and stays parked.\n");
    return err;
}

/* --- The command ----------------------------------------------------------------------------- */

static enum err read_words(const char *verb, int count, char *const *words, struct asked *asked,
                           struct fault *fault)
{
    bool decides = strcmp(verb, "show") != 0;
    bool mends = strcmp(verb, "mend") == 0;
    for (int i = 1; i + 1 < count; i += 2) {
        if (decides && strcmp(words[i], "--reason") == 0)
            asked->reason = words[i + 1];
        else if (mends && strcmp(words[i], "--data") == 0)
            asked->data = words[i + 1];
        else
            return fault_set(fault, ERR_INVALID, words[i], "is not an option of parked %s", verb);
    }
    if (count % 2 == 0)
        return fault_set(fault, ERR_INVALID, "parked", "%s needs the number or id of one item",
                         verb);
    asked->key = words[0];
    if (decides &&
        (!asked->reason || strlen(asked->reason) < 3 || strlen(asked->reason) > ACCESS_REASON_MAX))
        return fault_set(fault, ERR_INVALID, "--reason", "must say why, in 3 to %d bytes",
                         ACCESS_REASON_MAX);
    if (mends && !asked->data)
        return fault_set(fault, ERR_INVALID, "--data", "is missing");
    return ERR_OK;
}

enum err parked_run(const struct hubdb_config *config, const struct settings *settings, int count,
                    char *const *words, struct fault *fault)
{
    static const char *const verbs[] = {"show", "resubmit", "mend", "discard"};
    const char *verb = count ? words[0] : "list";
    struct asked asked = {0};
    bool lists = strcmp(verb, "list") == 0;
    bool known = lists;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        known = known || strcmp(verb, verbs[i]) == 0;
    if (!known)
        return fault_set(fault, ERR_INVALID, "parked",
                         "one of: list, show, resubmit, mend, discard");
    enum err err = lists ? ERR_OK : read_words(verb, count - 1, words + 1, &asked, fault);
    struct hubdb *hub = NULL;
    if (!err)
        err = hubdb_open_beside(&hub, config, false, fault);
    if (!err && lists)
        err = list(hubdb_database(hub), fault);
    else if (!err && strcmp(verb, "show") == 0)
        err = show(hubdb_database(hub), &asked, fault);
    else if (!err)
        err = decide(hubdb_database(hub), settings, verb, &asked, config->now_ms, fault);
    hubdb_close(hub);
    return err;
}
