#include "sync/hub/fleet/device.h"
#include "sync/hub/fleet/desired.h"
#include "sync/hub/fleet/fleet.sql.h"
#include "sync/hub/fleet/software.h"
#include "sync/hub/ingest/id_column.h"

#include <stdlib.h>

struct device_reader {
    struct database *db;
    struct database_statements *sql;
    struct desired *desired;
};

enum err device_reader_open(struct device_reader **out, struct database *db, struct fault *fault)
{
    struct device_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    reader->db = db;
    enum err err = database_attach(db, fleet_sql, FLEET_COUNT, &reader->sql, fault);
    if (!err)
        err = desired_open(&reader->desired, db, fault);
    if (err) {
        free(reader);
        return err;
    }
    *out = reader;
    return ERR_OK;
}

void device_reader_close(struct device_reader *reader)
{
    if (!reader)
        return;
    desired_close(reader->desired);
    free(reader);
}

static void write_device(struct jsonw *w, struct statement *s)
{
    jsonw_slice(w, "id", column_slice(s, 0));
    jsonw_time(w, "first_seen", column_int(s, 1));
    jsonw_time(w, "last_seen", column_int(s, 2));
    jsonw_bool(w, "online", (int)column_int(s, 3) != 0);
    jsonw_int(w, "inbox_waiting", column_int(s, 5));
    jsonw_int(w, "torn_ends", column_int(s, 6));
    struct slice software = software_of(column_slice(s, 4));
    if (software.len)
        jsonw_raw(w, "software", software);
}

static void write_log(struct jsonw *w, struct statement *s)
{
    jsonw_object(w, NULL);
    id_column_write(w, "log_id", s, 0);
    jsonw_slice(w, "stream", column_slice(s, 1));
    jsonw_int(w, "through", column_int(s, 2));
    jsonw_int(w, "held", column_int(s, 8));
    jsonw_int(w, "backed_up_through", column_int(s, 3));
    jsonw_int(w, "ack_no", column_int(s, 4));
    jsonw_int(w, "parked", column_int(s, 9));
    jsonw_time(w, "updated", column_int(s, 5));
    if (!column_is_null(s, 6)) {
        id_column_write(w, "parent_log", s, 6);
        jsonw_int(w, "parent_seq", column_int(s, 7));
    }
    jsonw_end(w);
}

static enum err write_logs(struct device_reader *reader, const char *id, struct jsonw *w,
                           struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(reader->sql, FLEET_DEVICE_LOGS, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, id);
    jsonw_array(w, "logs");
    while ((err = database_step(reader->db, s, &row, fault)) == ERR_OK && row)
        write_log(w, s);
    jsonw_end(w);
    statement_reset(s);
    return err;
}

enum err device_list(struct device_reader *reader, const char *after, int64_t max, struct jsonw *w,
                     struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(reader->sql, FLEET_DEVICE_LIST, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, after);
    bind_int(s, 2, max);
    while ((err = database_step(reader->db, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        write_device(w, s);
        err = desired_write(reader->desired, column_text(s, 0), w, fault);
        if (!err)
            err = write_logs(reader, column_text(s, 0), w, fault);
        jsonw_end(w);
        if (err)
            break;
    }
    statement_reset(s);
    return err;
}

enum err device_show(struct device_reader *reader, const char *id, struct jsonw *w,
                     struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_attached(reader->sql, FLEET_DEVICE_ONE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, id);
    err = database_step(reader->db, s, &row, fault);
    if (err || !row)
        return err ? err : fault_set(fault, ERR_NOT_FOUND, "id", "there is no such device");
    jsonw_object(w, NULL);
    write_device(w, s);
    if (!column_is_null(s, 4))
        jsonw_raw(w, "state", column_slice(s, 4));
    statement_reset(s);
    err = desired_write(reader->desired, id, w, fault);
    if (!err)
        err = write_logs(reader, id, w, fault);
    jsonw_end(w);
    return err;
}
