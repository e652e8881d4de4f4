/*
 * The life of a return: its decision and three tracks side by side (goods, money, posting), as
 * tables of state and command. Every state and command is defined: the next state, "doesn't
 * concern this track", or a refusal that says why. Pure, any thread.
 */
#ifndef AGENT_RETURNS_TRACKS_H
#define AGENT_RETURNS_TRACKS_H

#include "hal/base/fault.h"

#include <stdint.h>

#define TRACKS_VERDICT(X)                                                                          \
    X(ACCEPTED, accepted)                                                                          \
    X(PENDING_CHECK, accepted_pending_check)                                                       \
    X(NEEDS_MANAGER, needs_manager)                                                                \
    X(NEEDS_LINK, needs_link)                                                                      \
    X(DECLINED, declined)                                                                          \
    X(VOIDED, voided)

#define TRACKS_GOODS(X)                                                                            \
    X(NONE, none)                                                                                  \
    X(EXPECTED, expected)                                                                          \
    X(RECEIVED, received)                                                                          \
    X(INSPECTED, inspected)                                                                        \
    X(DISPOSITIONED, dispositioned)

#define TRACKS_MONEY(X)                                                                            \
    X(NONE, none)                                                                                  \
    X(PENDING, pending)                                                                            \
    X(ISSUED, issued)                                                                              \
    X(SETTLED, settled)                                                                            \
    X(FAILED, failed)                                                                              \
    X(DISPUTED, disputed)

#define TRACKS_POSTING(X) X(NONE, none) X(QUEUED, queued) X(POSTED, posted) X(PARKED, parked)

/* The money of one tender. */
#define TRACKS_TENDER(X)                                                                           \
    X(PENDING, pending)                                                                            \
    X(ISSUED, issued)                                                                              \
    X(SETTLED, settled)                                                                            \
    X(FAILED, failed)                                                                              \
    X(DISPUTED, disputed)                                                                          \
    X(CANCELLED, cancelled)

/*
 * What may be asked or told. ISSUE, FAIL, SETTLE, DISPUTE and WIN, LOSE (of a dispute) concern one
 * tender; the money track follows from all tenders.
 */
#define TRACKS_COMMANDS(X)                                                                         \
    X(APPROVE, approve)       /* a manager allows what needed one */                               \
    X(DECLINE, decline)       /* a manager doesn't */                                              \
    X(CHECK_PASS, check_pass) /* the centre has nothing against it */                              \
    X(CHECK_FAIL, check_fail) /* the centre has */                                                 \
    X(RECEIVE, receive)       /* the goods are here */                                             \
    X(INSPECT, inspect)       /* their condition was looked at */                                  \
    X(DISPOSE, dispose)       /* where they go */                                                  \
    X(ISSUE, issue)           /* a tender was paid out; again after it failed */                   \
    X(FAIL, fail)             /* a tender could not be paid out */                                 \
    X(SETTLE, settle)         /* a tender was found in a settlement */                             \
    X(DISPUTE, dispute)       /* the customer's bank wants it back as well */                      \
    X(WIN, win)               /* the dispute ended for us */                                       \
    X(LOSE, lose)             /* the dispute ended against us */                                   \
    X(VOID, void)             /* taken back before money moved */                                  \
    X(QUEUE, queue)           /* the centre has it */                                              \
    X(POST, post)             /* the ledger has it */                                              \
    X(PARK, park)             /* the ledger refused it */                                          \
    X(COMPLETE, complete)     /* nothing is left to do */

#define TRACKS_ENUM_VERDICT(upper, lower) VERDICT_##upper,
#define TRACKS_ENUM_GOODS(upper, lower) GOODS_##upper,
#define TRACKS_ENUM_MONEY(upper, lower) MONEY_##upper,
#define TRACKS_ENUM_POSTING(upper, lower) POSTING_##upper,
#define TRACKS_ENUM_TENDER(upper, lower) TENDER_STATE_##upper,
#define TRACKS_ENUM_COMMAND(upper, lower) COMMAND_##upper,

enum verdict { TRACKS_VERDICT(TRACKS_ENUM_VERDICT) VERDICT_COUNT };
enum goods { TRACKS_GOODS(TRACKS_ENUM_GOODS) GOODS_COUNT };
enum money { TRACKS_MONEY(TRACKS_ENUM_MONEY) MONEY_COUNT };
enum posting { TRACKS_POSTING(TRACKS_ENUM_POSTING) POSTING_COUNT };
enum tender_state { TRACKS_TENDER(TRACKS_ENUM_TENDER) TENDER_STATE_COUNT };
enum command { TRACKS_COMMANDS(TRACKS_ENUM_COMMAND) COMMAND_COUNT };

extern const char *const verdict_words[VERDICT_COUNT + 1];
extern const char *const goods_words[GOODS_COUNT + 1];
extern const char *const money_words[MONEY_COUNT + 1];
extern const char *const posting_words[POSTING_COUNT + 1];
extern const char *const tender_state_words[TENDER_STATE_COUNT + 1];
extern const char *const command_words[COMMAND_COUNT + 1];

enum { TRACKS_TENDERS_MAX = 64 };

struct tracks {
    uint8_t verdict; /* enum verdict; the first five are those of enum outcome */
    uint8_t goods;
    uint8_t money; /* follows from the tenders */
    uint8_t posting;
    bool complete;
    uint8_t tender_count;                /* those that are paid out; a rounding tender isn't */
    uint8_t tenders[TRACKS_TENDERS_MAX]; /* enum tender_state, in the order of the plan */
    uint64_t settles; /* a bit for each tender that closes only when it was settled */
};

/* Why a command was refused, and what would be possible now. */
struct tracks_refusal {
    const char *code;  /* stable: "goods_already_received" */
    const char *text;  /* a sentence */
    uint32_t possible; /* a bit for each enum command that would be taken now, on some tender */
};

/*
 * Applies a command; `tender` is the index among the tenders, and is looked at only by the
 * commands that concern one. ERR_REFUSED fills `refusal` (may be NULL) and leaves `tracks`.
 */
enum err tracks_apply(struct tracks *tracks, enum command command, size_t tender,
                      struct tracks_refusal *refusal) MUST_CHECK;

/* The commands that would be taken now, a bit for each. */
uint32_t tracks_possible(const struct tracks *tracks);

/* True if all three tracks are closed; cash, which no settlement shows, closes in issued. */
bool tracks_closed(const struct tracks *tracks);

#endif
