#include "sync/hub/connect/connector_list.h"
#include "sync/hub/ingest/ingest.sql.h"

static enum err put_company(struct database *db, const char *name, const char *company,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_CONNECTOR_COMPANY_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, name);
    bind_text(s, 2, company);
    return database_run(db, s, fault);
}

static enum err put(struct database *db, const struct connector_card *card, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_CONNECTOR_PUT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, card->kind);
    bind_text(s, 2, card->name);
    bind_text(s, 3, card->system);
    bind_int(s, 4, card->most_a_minute);
    err = database_run(db, s, fault);
    for (size_t i = 0; !err && card->share.only && i < card->share.count; i++)
        err = put_company(db, card->name, card->share.companies[i], fault);
    return err;
}

enum err connector_list_put(struct database *db, const struct connector_card *cards, size_t count,
                            struct fault *fault)
{
    enum err err = database_run_plain(db, INGEST_CONNECTOR_UNLIST, fault);
    if (!err)
        err = database_run_plain(db, INGEST_CONNECTOR_COMPANY_DROP, fault);
    for (size_t i = 0; !err && i < count; i++)
        err = put(db, &cards[i], fault);
    return err ? err : database_run_plain(db, INGEST_CONNECTOR_DROP, fault);
}

enum err connector_list_note(struct database *db, const struct connector_trial *trial,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(
        db, trial->failures ? INGEST_CONNECTOR_FAILED : INGEST_CONNECTOR_ANSWERED, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, trial->kind);
    bind_text(s, 2, trial->name);
    bind_int(s, 3, trial->now_ms);
    if (trial->failures) {
        bind_int(s, 4, trial->failures);
        bind_int(s, 5, trial->next_ms);
        bind_text(s, 6, err_name(trial->why->code));
        bind_text(s, 7, trial->why->text);
    }
    return database_send(db, s, fault);
}
