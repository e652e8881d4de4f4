#include "sync/hub/import_command.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/goods_received.h"
#include "sync/hub/connect/intake.h"
#include "sync/hub/connect/order.h"
#include "sync/hub/ingest/access.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLEMENT_MAX = 64 * 1024 * 1024, ANSWER_MAX = 64 * 1024, NUMBER_TEXT = 24 };

static const struct access_holder technician = {.name = "command line", .role = ACCESS_IT};

typedef enum err take(struct database *db, struct order *order, struct fault *fault);

static const struct kind {
    const char *word;
    const char *action;
    take *take;
} kinds[] = {
    {"orders", "order.add", order_take},
    {"authorisations", "return.authorise", authorisation_take},
    {"goods-received", "goods.receive", goods_received_take},
};

static enum err note(struct database *db, const char *action, const char *subject, int64_t now_ms,
                     struct fault *fault)
{
    const struct access_act act = {.holder = &technician,
                                   .action = action,
                                   .subject = subject,
                                   .reason = "",
                                   .now_ms = now_ms};
    return access_note(db, &act, fault);
}

/* --- One document a line --------------------------------------------------------------------- */

static enum err take_line(struct database *db, const struct kind *kind, struct slice text,
                          int64_t now_ms, struct fault *fault)
{
    struct buf answer CLEANUP(buf_free);
    struct told told = {.count = 0}; /* the running hub sees by itself who has something new */
    buf_init(&answer, ANSWER_MAX);
    struct order order = {.text = text, .now_ms = now_ms, .told = &told, .answer = &answer};
    enum err err = database_begin(db, fault);
    if (!err)
        err = kind->take(db, &order, fault);
    if (!err)
        err = note(db, kind->action, order.subject, now_ms, fault);
    if (!err)
        err = database_commit(db, fault);
    if (err)
        database_rollback(db);
    else
        (void)printf("%s\n", answer.data ? answer.data : "{}");
    return err;
}

static enum err take_lines(struct database *db, const struct kind *kind, FILE *in, int64_t now_ms,
                           struct fault *fault)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int64_t number = 0;
    int64_t refused = 0;
    enum err err = ERR_OK;
    while (!err && (len = getline(&line, &room, in)) > 0) {
        struct slice text = {line, (size_t)len};
        number++;
        if (strspn(line, " \t\r\n") == text.len)
            continue;
        err = take_line(db, kind, text, now_ms, fault);
        if (err_class(err) != ERR_CLASS_PARK)
            continue;
        (void)fprintf(stderr, "line %" PRId64 ": %s%s%s\n", number, fault->where,
                      *fault->where ? ": " : "", fault->text);
        refused++;
        err = ERR_OK;
    }
    free(line);
    if (!err && ferror(in))
        return fault_errno(fault, errno, "", "read");
    if (!err && refused)
        return fault_set(fault, ERR_REFUSED, kind->word,
                         "%" PRId64 " of %" PRId64 " lines were refused, the others were taken",
                         refused, number);
    return err;
}

static enum err import_lines(struct database *db, const struct kind *kind, const char *path,
                             int64_t now_ms, struct fault *fault)
{
    FILE *in = fopen(path, "re");
    if (!in)
        return fault_errno(fault, errno, path, "open");
    enum err err = take_lines(db, kind, in, now_ms, fault);
    (void)fclose(in);
    return err;
}

/* --- A settlement ---------------------------------------------------------------------------- */

static enum err import_settlement(struct database *db, const char *format_name, const char *path,
                                  int64_t now_ms, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    struct intake taken = {0};
    enum settlement_format format;
    char subject[NUMBER_TEXT];
    buf_init(&text, SETTLEMENT_MAX);
    if (settlement_format_find(format_name, &format) != ERR_OK)
        return fault_set(fault, ERR_INVALID, format_name,
                         "must be adyen, stripe, amazon, camt053 or camt054");
    enum err err = storage_read(path, &text, fault);
    if (!err)
        err = database_begin(db, fault);
    if (err)
        return err;
    err = intake_settlement(db, format, buf_slice(&text), technician.name, now_ms, &taken, fault);
    if (err)
        fault_in_file(fault, path);
    (void)snprintf(subject, sizeof subject, "%" PRId64, taken.file_no);
    if (!err)
        err = note(db, "settlement.add", subject, now_ms, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    if (!err)
        (void)printf("settlement %s: %" PRId64 " lines%s\n", subject, taken.lines,
                     taken.known ? ", known before" : "");
    return err;
}

enum err import_run(const struct hubdb_config *config, int count, char *const *words,
                    struct fault *fault)
{
    const struct kind *kind = NULL;
    struct hubdb *hub = NULL;
    bool settlement = count == 3 && strcmp(words[0], "settlement") == 0;
    for (size_t i = 0; count == 2 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(words[0], kinds[i].word) == 0)
            kind = &kinds[i];
    if (!kind && !settlement)
        return fault_set(
            fault, ERR_INVALID, "import",
            "takes orders, authorisations or goods-received and a FILE, or settlement, "
            "a FORMAT and a FILE");
    enum err err = hubdb_open_beside(&hub, config, false, fault);
    if (!err)
        err = settlement ? import_settlement(hubdb_database(hub), words[1], words[2],
                                             config->now_ms, fault)
                         : import_lines(hubdb_database(hub), kind, words[1], config->now_ms, fault);
    hubdb_close(hub);
    return err;
}
