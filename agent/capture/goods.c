#include "agent/capture/goods.h"
#include "agent/returns/tracks.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"

#include <string.h>

struct goods_line *goods_find(const struct goods_count *goods, int64_t line)
{
    for (size_t i = 0; i < goods->count; i++)
        if (goods->lines[i].line == line)
            return &goods->lines[i];
    return NULL;
}

static bool has_goods(const struct cJSON *line)
{
    const char *text = json_member_text(line, "goods");
    return text && word_find(goods_words, text) != GOODS_NONE;
}

enum err goods_count_begin(struct goods_count *goods, const struct cJSON *created,
                           struct arena *arena, struct fault *fault)
{
    struct goods_count made = {0};
    size_t room = 0;
    const struct cJSON *lines = json_member(created, "lines");
    for (const struct cJSON *line = json_first(lines); line; line = json_next(line))
        room++;
    made.lines = arena_alloc(arena, room + 1, sizeof *made.lines);
    if (!made.lines)
        return fault_set(fault, ERR_NO_MEMORY, "lines", "out of memory");
    for (const struct cJSON *line = json_first(lines); line; line = json_next(line)) {
        if (!has_goods(line))
            continue;
        int64_t number = json_member_int(line, "line", 0);
        struct goods_line *found = goods_find(&made, number);
        if (!found) {
            found = &made.lines[made.count++];
            *found = (struct goods_line){.line = number};
        }
        found->quantity += json_member_int(line, "quantity", 0);
    }
    *goods = made;
    return ERR_OK;
}

static int64_t *place_of(struct goods_line *line, const char *word)
{
    if (word && strcmp(word, "quarantine") == 0)
        return &line->quarantine;
    return word && strcmp(word, "repair") == 0 ? &line->repair : NULL;
}

static void count_disposed(struct goods_line *line, const struct cJSON *said)
{
    int64_t quantity = json_member_int(said, "quantity", 0);
    int64_t *from = place_of(line, json_member_text(said, "from"));
    int64_t *to = place_of(line, json_member_text(said, "disposition"));
    if (from)
        *from -= quantity;
    else
        line->disposed += quantity;
    if (to)
        *to += quantity;
}

enum err goods_count_event(struct goods_count *goods, const struct eventlog_record *record,
                           struct fault *fault)
{
    bool received = record->event.type == EVENT_ITEM_RECEIVED;
    if (!received && record->event.type != EVENT_ITEM_DISPOSITIONED)
        return ERR_OK;
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    if (err)
        return err;
    const struct cJSON *said = json_first(json_member(data, "lines"));
    for (; said; said = json_next(said)) {
        struct goods_line *line = goods_find(goods, json_member_int(said, "line", 0));
        if (line && received)
            line->received += json_member_int(said, "quantity", 0);
        else if (line)
            count_disposed(line, said);
    }
    return ERR_OK;
}

static int64_t above_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

int64_t goods_to_come(const struct goods_count *goods)
{
    int64_t sum = 0;
    for (size_t i = 0; i < goods->count; i++)
        sum += above_zero(goods->lines[i].quantity - goods->lines[i].received);
    return sum;
}

int64_t goods_to_dispose(const struct goods_count *goods)
{
    int64_t sum = 0;
    for (size_t i = 0; i < goods->count; i++)
        sum += above_zero(goods->lines[i].quantity - goods->lines[i].disposed);
    return sum;
}
