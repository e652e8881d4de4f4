#include "sync/hub/fleet/commands.h"
#include "hal/base/cleanup.h"
#include "provisioning/envelope.h"
#include "sync/contract/release.h"
#include "sync/contract/topic.h"
#include "sync/hub/fleet/commands.sql.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEP_MAX = 50, MS_PER_S = 1000, EXPIRY_LEAST_S = 5, EXPIRY_MOST_S = 7 * 86400 };

struct commands {
    struct database *db;
    struct database_statements *sql;
};

enum err commands_open(struct commands **out, struct database *db, struct fault *fault)
{
    struct commands *commands = calloc(1, sizeof *commands);
    if (!commands)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    commands->db = db;
    enum err err = database_attach(db, commands_sql, COMMANDS_COUNT, &commands->sql, fault);
    if (err) {
        free(commands);
        return err;
    }
    *out = commands;
    return ERR_OK;
}

void commands_close(struct commands *commands)
{
    free(commands);
}

static enum err statement(struct commands *commands, size_t index, struct statement **s,
                          struct fault *fault)
{
    return database_attached(commands->sql, index, s, fault);
}

/* --- Asking ---------------------------------------------------------------------------------- */

/* What the hub can tell before an appliance does. */
static enum err check_arguments(enum command_name name, struct slice arguments, struct fault *fault)
{
    struct release release;
    return name == COMMAND_UPDATE ? release_read(arguments, &release, fault) : ERR_OK;
}

static enum err check(struct commands *commands, const struct command_order *order,
                      struct fault *fault)
{
    enum command_name name;
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct statement *s;
    bool row;
    if (command_find(order->name, &name) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "name", "\"%s\" is no command", order->name);
    if (order->expiry_s < EXPIRY_LEAST_S || order->expiry_s > EXPIRY_MOST_S)
        return fault_set(fault, ERR_INVALID, "expiry", "must be %d to %d seconds", EXPIRY_LEAST_S,
                         EXPIRY_MOST_S);
    const struct json_limits limits = {.bytes = COMMAND_BYTES_MAX / 2, .depth = 6};
    enum err err = json_parse(order->arguments, limits, &doc, fault);
    if (!err && order->arguments.data[0] != '{')
        err = fault_set(fault, ERR_INVALID, "arguments", "must be an object");
    if (!err)
        err = check_arguments(name, order->arguments, fault);
    if (!err)
        err = statement(commands, COMMANDS_KNOWN, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, order->device);
    err = database_step(commands->db, s, &row, fault);
    if (!err && !column_int(s, 0))
        err = fault_set(fault, ERR_NOT_FOUND, order->device, "was never heard of here");
    statement_reset(s);
    return err;
}

enum err commands_add(struct commands *commands, const struct command_order *order, struct id *id,
                      struct fault *fault)
{
    struct id_source ids;
    struct statement *s;
    char text[ID_TEXT + 1];
    enum err err = check(commands, order, fault);
    if (!err)
        err = statement(commands, COMMANDS_ADD, &s, fault);
    if (err)
        return err;
    id_source_init(&ids, NULL, NULL);
    const struct id made = id_next(&ids, order->now_ms);
    id_format(&made, text);
    bind_text(s, 1, text);
    bind_text(s, 2, order->device);
    bind_text(s, 3, order->name);
    bind_slice(s, 4, order->arguments);
    bind_text(s, 5, order->holder);
    bind_int(s, 6, order->now_ms);
    bind_int(s, 7, order->now_ms + order->expiry_s * MS_PER_S);
    err = database_run(commands->db, s, fault);
    if (!err)
        *id = made;
    return err;
}

/* --- Sending --------------------------------------------------------------------------------- */

struct due {
    struct command command;
    char id[ID_TEXT + 1];
    struct buf arguments;
};

static enum err take_due(struct statement *s, struct due *due, struct fault *fault)
{
    struct slice device = column_slice(s, 1);
    struct slice by = column_slice(s, 4);
    struct slice arguments = column_slice(s, 3);
    *due = (struct due){.command = {.issued_ms = column_int(s, 5), .expires_ms = column_int(s, 6)}};
    (void)snprintf(due->command.device, sizeof due->command.device, "%.*s", (int)device.len,
                   device.data);
    (void)snprintf(due->command.by, sizeof due->command.by, "%.*s", (int)by.len, by.data);
    buf_init(&due->arguments, COMMAND_BYTES_MAX);
    buf_append(&due->arguments, arguments.data, arguments.len);
    due->command.arguments = buf_slice(&due->arguments);
    if (id_parse(column_slice(s, 0), &due->command.id) != ERR_OK ||
        command_find(column_text(s, 2), &due->command.name) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, "command", "a row isn't what it should be");
    id_format(&due->command.id, due->id);
    return buf_check(&due->arguments, fault, "command");
}

static enum err send_one(struct commands *commands, const struct commands_turn *turn,
                         const struct due *due, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    struct buf envelope CLEANUP(buf_free);
    struct statement *s;
    buf_init(&text, COMMAND_BYTES_MAX);
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    command_write(&text, &due->command);
    enum err err = buf_check(&text, fault, "command");
    if (!err)
        err = envelope_make(COMMAND_ENVELOPE, buf_slice(&text), buf_slice(&turn->signer->chain),
                            turn->signer->key, &envelope, fault);
    if (!err)
        err = statement(commands, COMMANDS_SENT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, due->id);
    bind_int(s, 2, turn->now_ms);
    err = database_run(commands->db, s, fault);
    if (err)
        return err;
    int64_t left_s = (due->command.expires_ms - turn->now_ms) / MS_PER_S;
    const struct command_parcel parcel = {
        .device = due->command.device,
        .name = command_word(due->command.name),
        .envelope = buf_slice(&envelope),
        .correlation = slice_of(due->id),
        .expiry_s = (uint32_t)(left_s > 1 ? left_s : 1),
    };
    turn->send(turn->context, &parcel);
    return ERR_OK;
}

static enum err expire(struct commands *commands, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = statement(commands, COMMANDS_EXPIRE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, now_ms);
    return database_run(commands->db, s, fault);
}

static enum err any_waiting(struct commands *commands, bool *waiting, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = statement(commands, COMMANDS_WAITING, &s, fault);
    if (!err)
        err = database_step(commands->db, s, &row, fault);
    if (err)
        return err;
    *waiting = column_int(s, 0) > 0;
    statement_reset(s);
    return ERR_OK;
}

enum err commands_step(struct commands *commands, const struct commands_turn *turn, bool *waiting,
                       struct fault *fault)
{
    struct due list[STEP_MAX];
    struct statement *s;
    size_t due = 0;
    bool row = true;
    enum err err = any_waiting(commands, waiting, fault);
    if (err || !*waiting)
        return err;
    err = expire(commands, turn->now_ms, fault);
    if (!err)
        err = statement(commands, COMMANDS_DUE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, turn->again_ms);
    bind_int(s, 2, turn->max < STEP_MAX ? turn->max : STEP_MAX);
    while (!err && due < STEP_MAX &&
           (err = database_step(commands->db, s, &row, fault)) == ERR_OK && row)
        err = take_due(s, &list[due++], fault);
    statement_reset(s);
    for (size_t i = 0; i < due; i++) {
        if (!err)
            err = send_one(commands, turn, &list[i], fault);
        buf_free(&list[i].arguments);
    }
    return err;
}

/* --- Answers --------------------------------------------------------------------------------- */

enum err commands_reply(struct commands *commands, const char *device, struct slice text,
                        int64_t now_ms, struct fault *fault)
{
    struct command_reply reply;
    struct statement *s;
    char id[ID_TEXT + 1];
    enum err err = command_reply_read(text, &reply, fault);
    if (!err)
        err = statement(commands, COMMANDS_END, &s, fault);
    if (err)
        return err;
    id_format(&reply.id, id);
    bind_text(s, 1, id);
    bind_text(s, 2, device);
    bind_text(s, 3, command_outcome_word(reply.outcome));
    bind_text(s, 4, reply.detail);
    if (reply.result.len)
        bind_slice(s, 5, reply.result);
    bind_int(s, 6, now_ms);
    return database_run(commands->db, s, fault);
}

/* A result may be a whole bundle: only where one command is asked for. */
static void write_row(struct jsonw *w, struct statement *s, bool with_result)
{
    jsonw_object(w, NULL);
    jsonw_slice(w, "id", column_slice(s, 0));
    jsonw_slice(w, "device", column_slice(s, 1));
    jsonw_slice(w, "name", column_slice(s, 2));
    jsonw_slice(w, "by", column_slice(s, 3));
    jsonw_time(w, "created", column_int(s, 4));
    jsonw_time(w, "expires", column_int(s, 5));
    if (column_is_null(s, 6)) {
        jsonw_text(w, "outcome", "waiting");
    } else {
        jsonw_slice(w, "outcome", column_slice(s, 6));
        jsonw_slice(w, "detail", column_slice(s, 7));
        if (with_result && column_slice(s, 8).len)
            jsonw_raw(w, "result", column_slice(s, 8));
        jsonw_time(w, "ended", column_int(s, 9));
    }
    jsonw_end(w);
}

enum err commands_write(struct commands *commands, const struct id *id, struct jsonw *w,
                        bool *ended, struct fault *fault)
{
    struct statement *s;
    char text[ID_TEXT + 1];
    bool row;
    enum err err = statement(commands, COMMANDS_FIND, &s, fault);
    if (err)
        return err;
    id_format(id, text);
    bind_text(s, 1, text);
    err = database_step(commands->db, s, &row, fault);
    if (!err && !row)
        err = fault_set(fault, ERR_NOT_FOUND, "id", "there is no such command");
    if (!err) {
        *ended = !column_is_null(s, 6);
        write_row(w, s, true);
    }
    statement_reset(s);
    return err;
}

enum err commands_list(struct commands *commands, const char *device, int64_t max, struct jsonw *w,
                       struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = statement(commands, COMMANDS_OF_DEVICE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, max);
    while ((err = database_step(commands->db, s, &row, fault)) == ERR_OK && row)
        write_row(w, s, false);
    statement_reset(s);
    return err;
}
