#include "agent/returns/tracks.h"
#include "agent/returns/tracks_table.h"

#include <assert.h>

#define TRACKS_WORD(upper, lower) #lower,

const char *const verdict_words[VERDICT_COUNT + 1] = {TRACKS_VERDICT(TRACKS_WORD) NULL};
const char *const goods_words[GOODS_COUNT + 1] = {TRACKS_GOODS(TRACKS_WORD) NULL};
const char *const money_words[MONEY_COUNT + 1] = {TRACKS_MONEY(TRACKS_WORD) NULL};
const char *const posting_words[POSTING_COUNT + 1] = {TRACKS_POSTING(TRACKS_WORD) NULL};
const char *const tender_state_words[TENDER_STATE_COUNT + 1] = {TRACKS_TENDER(TRACKS_WORD) NULL};
const char *const command_words[COMMAND_COUNT + 1] = {TRACKS_COMMANDS(TRACKS_WORD) NULL};

#define REFUSAL_CODE(upper, lower, text) #lower,
#define REFUSAL_TEXT(upper, lower, text) text,

static const char *const refusal_codes[] = {TRACKS_REFUSALS(REFUSAL_CODE)};
static const char *const refusal_texts[] = {TRACKS_REFUSALS(REFUSAL_TEXT)};

/* Moves one track; false and the refusal's index when the cell refuses. */
static bool move(uint8_t cell, uint8_t *state, uint8_t *refusal)
{
    assert(cell != 0);
    if (cell >= TRACKS_REFUSE) {
        *refusal = (uint8_t)(cell - TRACKS_REFUSE);
        return false;
    }
    if (cell != TRACKS_KEEP)
        *state = (uint8_t)(cell - TRACKS_GO);
    return true;
}

static bool concerns_one_tender(enum command command)
{
    return command == COMMAND_ISSUE || command == COMMAND_FAIL || command == COMMAND_SETTLE ||
           command == COMMAND_DISPUTE || command == COMMAND_WIN || command == COMMAND_LOSE;
}

static bool move_tenders(struct tracks *tracks, enum command command, size_t tender,
                         uint8_t *refusal)
{
    bool one = concerns_one_tender(command);
    if (one && tender >= tracks->tender_count) {
        *refusal = REFUSAL_NO_TENDER;
        return false;
    }
    for (size_t i = 0; i < tracks->tender_count; i++) {
        uint8_t *state = &tracks->tenders[i];
        if ((!one || i == tender) && !move(tracks_tender_table[*state][command], state, refusal))
            return false;
    }
    return true;
}

/* The money of all tenders: what needs attention first. */
static uint8_t money_of(const struct tracks *tracks)
{
    static const struct {
        uint8_t tender;
        uint8_t money;
    } order[] = {
        {TENDER_STATE_DISPUTED, MONEY_DISPUTED}, {TENDER_STATE_FAILED, MONEY_FAILED},
        {TENDER_STATE_PENDING, MONEY_PENDING},   {TENDER_STATE_ISSUED, MONEY_ISSUED},
        {TENDER_STATE_SETTLED, MONEY_SETTLED},
    };
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = 0; i < tracks->tender_count; i++)
            if (tracks->tenders[i] == order[k].tender)
                return order[k].money;
    return MONEY_NONE;
}

static bool apply(struct tracks *tracks, enum command command, size_t tender, uint8_t *refusal)
{
    struct tracks next = *tracks;
    if (!move(tracks_verdict_table[next.verdict][command], &next.verdict, refusal) ||
        !move(tracks_goods_table[next.goods][command], &next.goods, refusal) ||
        !move_tenders(&next, command, tender, refusal) ||
        !move(tracks_posting_table[next.posting][command], &next.posting, refusal))
        return false;
    next.money = money_of(&next);
    next.complete = command == COMMAND_COMPLETE || (tracks->complete && tracks_closed(&next));
    if (command == COMMAND_COMPLETE && (tracks->complete || !tracks_closed(&next))) {
        *refusal = tracks->complete ? REFUSAL_COMPLETE : REFUSAL_NOT_CLOSED;
        return false;
    }
    *tracks = next;
    return true;
}

uint32_t tracks_possible(const struct tracks *tracks)
{
    uint32_t possible = 0;
    for (unsigned command = 0; command < COMMAND_COUNT; command++) {
        size_t tries = tracks->tender_count ? tracks->tender_count : 1;
        for (size_t tender = 0; tender < tries; tender++) {
            struct tracks copy = *tracks;
            uint8_t refusal;
            if (apply(&copy, (enum command)command, tender, &refusal))
                possible |= UINT32_C(1) << command;
        }
    }
    return possible;
}

enum err tracks_apply(struct tracks *tracks, enum command command, size_t tender,
                      struct tracks_refusal *refusal)
{
    uint8_t why = 0;
    if (apply(tracks, command, tender, &why))
        return ERR_OK;
    if (refusal)
        *refusal = (struct tracks_refusal){
            .code = refusal_codes[why],
            .text = refusal_texts[why],
            .possible = tracks_possible(tracks),
        };
    return ERR_REFUSED;
}

static bool tender_closed(const struct tracks *tracks, size_t i)
{
    uint8_t state = tracks->tenders[i];
    bool settles = tracks->settles >> i & 1;
    return state == TENDER_STATE_SETTLED || state == TENDER_STATE_CANCELLED ||
           (state == TENDER_STATE_ISSUED && !settles);
}

bool tracks_closed(const struct tracks *tracks)
{
    bool accepted = tracks->verdict == VERDICT_ACCEPTED;
    if (!accepted && tracks->verdict != VERDICT_DECLINED && tracks->verdict != VERDICT_VOIDED)
        return false;
    if (tracks->goods != GOODS_NONE && tracks->goods != GOODS_DISPOSITIONED)
        return false;
    for (size_t i = 0; i < tracks->tender_count; i++)
        if (!tender_closed(tracks, i))
            return false;
    return tracks->posting == POSTING_POSTED || (!accepted && tracks->posting == POSTING_NONE);
}
