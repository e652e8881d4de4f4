/*
 * One command upon a return that exists, inside its transaction: the state before it, and the
 * events that it appends. Only for the files of this folder; writer thread.
 */
#ifndef AGENT_CAPTURE_CHANGE_H
#define AGENT_CAPTURE_CHANGE_H

#include "agent/capture/change_input.h"
#include "agent/capture/goods.h"
#include "agent/capture/release.h"
#include "agent/views/return_view.h"

struct change {
    struct capture_job *job;
    const struct change_input *input;
    struct views views;
    struct return_state state;
    struct cJSON *created; /* the data of return.created */
    struct goods_count goods;
    bool exchanged; /* the refund was applied to a new sale */
    struct release release;
    struct buf data;
};

/* Moves the tracks as the event that follows will; ERR_REFUSED says why not and what is possible.
 */
enum err change_move(struct change *change, enum command command, size_t position,
                     struct fault *fault) MUST_CHECK;

/* An event's data, begun with who does it and when; change_append ends and appends it. */
struct jsonw change_data(struct change *change);
enum err change_append(struct change *change, struct jsonw *w, enum event_type type,
                       struct fault *fault) MUST_CHECK;

/* The commands about goods (change_goods.c). */
enum err change_receive(struct change *change, struct fault *fault) MUST_CHECK;
enum err change_dispose(struct change *change, struct fault *fault) MUST_CHECK;

#endif
