/*
 * What the commands upon a return carry: one field table each, read on the caller's thread.
 * Texts are borrowed from the document. Pure.
 */
#ifndef AGENT_CAPTURE_CHANGE_INPUT_H
#define AGENT_CAPTURE_CHANGE_INPUT_H

#include "agent/capture/capture.h"

struct change_line {
    int64_t line;
    int64_t quantity;
    const char *condition; /* as found; NULL: as it was told */
    const char *from;      /* dispose: out of "quarantine" or "repair"; NULL: from the counter */
    int disposition;       /* enum disposition, if has_disposition */
    bool has_disposition;
    int64_t nrv_minor; /* liquidate: net realisable value of them all */
    bool has_nrv;
};

struct change_tender {
    int64_t position; /* among the tenders that are paid out, from 0 */
    int64_t tender;   /* instead: the sale's tender number */
    bool has_position;
    bool has_tender;
    int64_t amount_minor;
    bool has_amount;
    const char *reference;
    const char *failed; /* why it could not be paid out; NULL: it was */
};

struct change_input {
    const char *note;
    struct change_line *lines;
    size_t line_count;
    struct change_tender *tenders;
    size_t tender_count;
    int stage; /* enum dispute_stage: opened, fee, lost, won */
    int64_t amount_minor;
    bool has_amount;
    int64_t fee_minor;
    int64_t total_minor; /* approve: what the manager was shown */
    bool has_total;
    int64_t position; /* dispute: which tender */
};

extern const char *const dispute_stage_words[];

/* ERR_INVALID names field and rule; ERR_REFUSED a card number. */
enum err change_input_read(enum capture_kind kind, const struct cJSON *json, struct arena *arena,
                           struct change_input *input, struct fault *fault) MUST_CHECK;

#endif
