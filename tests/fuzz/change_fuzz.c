/*
 * Any command upon a return, its kind chosen by the first byte: what is read keeps its limits and
 * holds no card number, and its goods are counted without going wrong.
 */
#include "agent/capture/change_input.h"
#include "agent/capture/goods.h"
#include "agent/returns/cardnumber.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum capture_kind kinds[] = {CAPTURE_APPROVE, CAPTURE_DECLINE, CAPTURE_RECEIVE,
                                          CAPTURE_REFUND,  CAPTURE_DISPOSE, CAPTURE_VOID,
                                          CAPTURE_DISPUTE};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_text(const char *text)
{
    require(!text || !cardnumber_in(slice_of(text)));
}

static void require_input(const struct change_input *input)
{
    require_text(input->note);
    for (size_t i = 0; i < input->line_count; i++) {
        require(input->lines[i].line > 0 && input->lines[i].quantity > 0);
        require(input->lines[i].disposition >= 0 &&
                input->lines[i].disposition < DISPOSITION_COUNT);
        require_text(input->lines[i].condition);
        require_text(input->lines[i].from);
    }
    for (size_t i = 0; i < input->tender_count; i++) {
        require_text(input->tenders[i].reference);
        require_text(input->tenders[i].failed);
    }
}

/* The same text as the event that the command becomes. */
static void count(const struct cJSON *json, struct slice text, struct arena *arena)
{
    static const enum event_type types[] = {EVENT_ITEM_RECEIVED, EVENT_ITEM_DISPOSITIONED};
    struct goods_count goods;
    if (goods_count_begin(&goods, json, arena, NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < 2; i++) {
        struct eventlog_record record = {.event = {.type = types[i], .data = text}};
        require(goods_count_event(&goods, &record, NULL) == ERR_OK);
    }
    require(goods_to_come(&goods) >= 0 && goods_to_dispose(&goods) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct change_input input = {0};
    struct fault fault = {0};
    arena_init(&arena, 16 * 1024 * 1024);
    if (size == 0)
        return 0;
    struct slice text = {(const char *)data + 1, size - 1};
    if (json_parse(text, JSON_LIMITS_DEFAULT, &json, &fault) != ERR_OK)
        return 0;
    if (change_input_read(kinds[data[0] % KINDS], json, &arena, &input, &fault) == ERR_OK)
        require_input(&input);
    else
        require(fault.text[0] != '\0');
    count(json, text, &arena);
    return 0;
}
