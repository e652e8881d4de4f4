#include "sync/uplink/parked_pages.h"
#include "hal/base/cleanup.h"
#include "sync/contract/parked_ask.h"
#include "sync/uplink/errand.h"

#include <stdlib.h>

/*
 * PAGE_MS: how long a page is waited for. AGAIN_MS: how long after a walk that did not bring the
 * whole list the next one begins; something new may have come between its pages.
 */
enum { PAGE_MS = 15 * 1000, AGAIN_MS = 60 * 1000 };

struct walk {
    int64_t below;    /* what was asked for last; 0: it isn't under way */
    int64_t asked_ms; /* then */
    int64_t above;    /* what the page that the log is taking leaves */
    int64_t total;    /* what the last walk was about ... */
    int64_t ended_ms; /* ... and when it ended */
    bool ended;
};

struct parked_pages {
    struct uplink *uplink;
    struct loop *loop;
    const struct uplink_config *config;
    struct errands *errands;
    struct walk walks[STREAMS_OF_APPLIANCE];
};

static void ask(struct parked_pages *pages, enum stream stream, const struct id *log, int64_t below)
{
    struct fault fault;
    struct buf body CLEANUP(buf_free);
    const struct parked_ask wanted = {*log, below};
    struct walk *walk = &pages->walks[stream];
    buf_init(&body, PARKED_ASK_BYTES_MAX);
    parked_ask_write(&body, &wanted);
    walk->below = below;
    walk->asked_ms = loop_now_ms(pages->loop);
    struct mqtt_message message = {
        .payload = buf_slice(&body), .qos = 1, .content_type = "application/json"};
    if (uplink_publish(pages->uplink, "parked", &message, &fault) != ERR_OK)
        diag_fault(pages->config->diag, DIAG_INFO, "uplink.parked", &fault);
}

static bool is_due(const struct walk *walk, int64_t total, int64_t now_ms)
{
    if (walk->below)
        return now_ms - walk->asked_ms >= PAGE_MS;
    return !walk->ended || walk->total != total || now_ms - walk->ended_ms >= AGAIN_MS;
}

void parked_pages_acknowledged(struct parked_pages *pages, enum stream stream,
                               const struct ack *ack)
{
    struct eventlog_status status;
    struct walk *walk = &pages->walks[stream];
    eventlog_status(pages->config->log, &status);
    if (!ack->parked_total || status.streams[stream].parked == ack->parked_total ||
        !is_due(walk, ack->parked_total, loop_now_ms(pages->loop)))
        return;
    walk->total = ack->parked_total;
    ask(pages, stream, &ack->log, ack->parked_above + 1);
}

void parked_pages_lost(struct parked_pages *pages)
{
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        pages->walks[i] = (struct walk){.below = 0};
}

static void page_stored(struct errand *errand)
{
    struct parked_pages *pages = errand->owner;
    struct walk *walk = &pages->walks[errand->stream];
    struct eventlog_status status;
    eventlog_status(pages->config->log, &status);
    if (errand->err)
        diag_fault(pages->config->diag, DIAG_WARN, "uplink.parked", &errand->fault);
    if (!walk->below)
        return;
    if (!errand->err && walk->above) {
        ask(pages, errand->stream, &status.streams[errand->stream].log, walk->above + 1);
        return;
    }
    walk->below = 0;
    walk->ended = true;
    walk->ended_ms = loop_now_ms(pages->loop);
}

/* The page that was asked for, and no other. */
static bool find_walk(const struct parked_pages *pages, const struct ack *page, enum stream *stream)
{
    struct eventlog_status status;
    eventlog_status(pages->config->log, &status);
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        if (id_equal(&status.streams[i].log, &page->log)) {
            *stream = (enum stream)i;
            return page->parked_below && page->parked_below == pages->walks[i].below;
        }
    return false;
}

void parked_pages_came(struct parked_pages *pages, const struct mqtt_message *message)
{
    struct fault fault;
    struct ack page;
    enum stream stream;
    if (ack_read(message->payload, &page, &fault) != ERR_OK) {
        diag_fault(pages->config->diag, DIAG_WARN, "uplink.parked_unreadable", &fault);
        return;
    }
    struct errand *errand =
        find_walk(pages, &page, &stream) ? errand_new(pages->errands, page_stored) : NULL;
    if (!errand)
        return;
    errand->stream = stream;
    pages->walks[stream].above = page.parked_above;
    eventlog_acknowledge(pages->config->log, stream, &page, errand_done, errand);
}

enum err parked_pages_open(struct parked_pages **out, struct uplink *uplink, struct loop *loop,
                           const struct uplink_config *config, struct fault *fault)
{
    struct parked_pages *pages = calloc(1, sizeof *pages);
    if (!pages)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    pages->uplink = uplink;
    pages->loop = loop;
    pages->config = config;
    pages->errands = errands_open(loop, pages);
    if (!pages->errands) {
        free(pages);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = pages;
    return ERR_OK;
}

void parked_pages_close(struct parked_pages *pages)
{
    if (!pages)
        return;
    errands_close(pages->errands);
    free(pages);
}
