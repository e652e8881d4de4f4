#include "agent/orders.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/sha256.h"
#include "provisioning/envelope.h"
#include "provisioning/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CORRELATION_MAX = 64, KEY_TEXT_MAX = 64, DATA_MAX = 1024 };

struct orders {
    struct orders_config config;
    unsigned under_way;
    bool closed;
};

struct order {
    struct eventlog_command note;
    struct orders *orders;
    struct buf text; /* the command's own bytes */
    struct command command;
    char key[KEY_TEXT_MAX];
    char hash[REQUEST_HASH_TEXT + 1];
    char correlation[CORRELATION_MAX];
    size_t correlation_len;
    bool repeated;
    enum err err;
    struct fault fault;
};

/* --- Answering ------------------------------------------------------------------------------- */

static void orders_free_if_done(struct orders *orders)
{
    if (orders->closed && !orders->under_way)
        free(orders);
}

static void order_free(struct order *order)
{
    struct orders *orders = order->orders;
    buf_free(&order->text);
    free(order);
    orders->under_way--;
    orders_free_if_done(orders);
}

void order_end(struct order *order, enum command_outcome outcome, const char *detail,
               struct slice result)
{
    struct buf body CLEANUP(buf_free);
    struct command_reply reply = {.id = order->command.id, .outcome = outcome, .result = result};
    (void)snprintf(reply.detail, sizeof reply.detail, "%s", detail);
    buf_init(&body, COMMAND_REPLY_BYTES_MAX);
    command_reply_write(&body, &reply);
    struct mqtt_message message = {
        .payload = buf_slice(&body),
        .qos = 1,
        .content_type = "application/json",
        .correlation = {order->correlation, order->correlation_len},
    };
    const struct orders_config *config = &order->orders->config;
    if (!body.failed && !order->orders->closed)
        config->reply(config->context, &message);
    order_free(order);
}

static void refuse(struct order *order, const char *why)
{
    diag_write(order->orders->config.diag, DIAG_WARN, "command.refused", "%s", why);
    order_end(order, COMMAND_REFUSED, why, (struct slice){"", 0});
}

/* --- The note -------------------------------------------------------------------------------- */

/* Writer thread. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct order *order = context;
    char id[ID_TEXT + 1];
    char subject[sizeof "device/" + DEVICE_ID_MAX];
    struct buf data CLEANUP(buf_free);
    int64_t seq;
    buf_init(&data, DATA_MAX);
    id_format(&order->command.id, id);
    (void)snprintf(subject, sizeof subject, "device/%s", order->command.device);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "command_id", id);
    jsonw_text(&w, "name", command_word(order->command.name));
    jsonw_text(&w, "by", order->command.by);
    jsonw_time(&w, "issued", order->command.issued_ms);
    jsonw_end(&w);
    struct event draft = {
        .type = EVENT_COMMAND_TAKEN,
        .subject = slice_of(subject),
        .correlation = order->command.id,
        .data = buf_slice(&data),
    };
    enum err err = buf_check(&data, fault, "command");
    return err ? err : eventlog_append(txn, &draft, &seq, fault);
}

static enum err replay(void *context, struct eventlog_txn *txn, const struct eventlog_record *first,
                       struct fault *fault)
{
    (void)txn;
    (void)first;
    (void)fault;
    struct order *order = context;
    order->repeated = true;
    return ERR_OK;
}

static void carry_out(void *context)
{
    struct order *order = context;
    if (order->orders->closed) {
        order_free(order);
        return;
    }
    const struct order_handler *handler = &order->orders->config.handlers[order->command.name];
    if (order->err)
        order_end(order, COMMAND_FAILED, order->fault.text, (struct slice){"", 0});
    else if (order->repeated)
        order_end(order, COMMAND_REPEATED, "it was taken before under this id",
                  (struct slice){"", 0});
    else
        handler->run(handler->context, order, &order->command);
}

/* Writer thread. */
static void noted(void *context, enum err err, const struct fault *fault)
{
    struct order *order = context;
    order->err = err;
    if (err)
        order->fault = *fault;
    if (loop_post(order->orders->config.loop, carry_out, order) != ERR_OK)
        abort(); /* nothing can be allocated any more */
}

static void note(struct order *order)
{
    char id[ID_TEXT + 1];
    struct buf hash CLEANUP(buf_free);
    const struct sha256 digest = sha256_of(buf_slice(&order->text));
    buf_init(&hash, REQUEST_HASH_TEXT);
    base64_encode(&hash, digest.bytes, SHA256_BYTES, true);
    (void)snprintf(order->hash, sizeof order->hash, "%s", hash.data ? hash.data : "");
    id_format(&order->command.id, id);
    (void)snprintf(order->key, sizeof order->key, "centre:command:%s", id);
    order->note = (struct eventlog_command){
        .key = slice_of(order->key),
        .request_hash = slice_of(order->hash),
        .decide = decide,
        .replay = replay,
        .done = noted,
        .context = order,
    };
    eventlog_submit(order->orders->config.log, &order->note);
}

/* --- What came ------------------------------------------------------------------------------- */

static enum err open_envelope(const struct orders *orders, struct slice envelope, struct buf *text,
                              struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    enum err err =
        identity_open_public(&identity, orders->config.identity_folder, IDENTITY_CURRENT, fault);
    if (err)
        return err;
    const struct verify_rules rules = {.now_ms = clock_wall_ms(orders->config.clock),
                                       .ca = identity_ca(identity),
                                       .crl = identity_crl(identity)};
    return envelope_open(COMMAND_ENVELOPE, envelope, &rules, text, fault);
}

static struct order *order_new(struct orders *orders, struct slice correlation)
{
    struct order *order = calloc(1, sizeof *order);
    if (!order)
        return NULL;
    order->orders = orders;
    orders->under_way++;
    buf_init(&order->text, COMMAND_BYTES_MAX);
    order->correlation_len = correlation.len <= CORRELATION_MAX ? correlation.len : 0;
    memcpy(order->correlation, correlation.data, order->correlation_len);
    return order;
}

static const char *objection(const struct order *order, const char *name)
{
    const struct command *command = &order->command;
    const struct orders_config *config = &order->orders->config;
    if (strcmp(command->device, config->device) != 0)
        return "it is for another device";
    if (strcmp(command_word(command->name), name) != 0)
        return "it came under another command's topic";
    if (clock_wall_ms(config->clock) > command->expires_ms)
        return "it has expired";
    if (!config->handlers[command->name].run)
        return "this appliance has nothing that carries it out";
    return NULL;
}

/* An order whose envelope doesn't prove who sent it gets no answer. */
void orders_take(struct orders *orders, const char *name, const struct mqtt_message *message)
{
    struct fault fault = {0};
    struct order *order = order_new(orders, message->correlation);
    if (!order)
        return; /* it is asked again */
    enum err err = open_envelope(orders, message->payload, &order->text, &fault);
    if (!err)
        err = command_read(buf_slice(&order->text), &order->command, &fault);
    if (err) {
        diag_fault(orders->config.diag, DIAG_WARN, "command.refused", &fault);
        order_free(order);
        return;
    }
    const char *why = objection(order, name);
    if (why)
        refuse(order, why);
    else
        note(order);
}

enum err orders_open(struct orders **out, const struct orders_config *config, struct fault *fault)
{
    struct orders *orders = calloc(1, sizeof *orders);
    if (!orders)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    orders->config = *config;
    *out = orders;
    return ERR_OK;
}

void orders_close(struct orders *orders)
{
    if (!orders)
        return;
    orders->closed = true;
    orders_free_if_done(orders);
}
