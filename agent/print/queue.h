/*
 * The prints that are still to be made, and how far the log has been looked through for more: one
 * small file, replaced as a whole, so that neither a restart nor a power cut loses a print or makes
 * an original twice. It knows nothing of printers. Each save blocks on the disk. One thread.
 */
#ifndef AGENT_PRINT_QUEUE_H
#define AGENT_PRINT_QUEUE_H

#include "hal/base/buf.h"
#include "hal/base/id.h"

enum { PRINTS_MAX = 100, PRINT_NUMBER_MAX = 24, PRINT_LANE_MAX = 16, PRINT_WHY_MAX = 120 };

enum print_state {
    PRINT_WAITING, /* nothing of it is on paper */
    PRINT_BEGUN,   /* at the printer now; of an earlier process: PRINT_UNSURE */
    PRINT_UNSURE,  /* a part or all of it may be on paper: a person decides */
};

struct print {
    struct id id;
    struct id return_id;
    char number[PRINT_NUMBER_MAX + 1]; /* of the return */
    char lane[PRINT_LANE_MAX + 1];     /* "" for none */
    char language[3];                  /* "de"; "" for the store's */
    bool copy;
    enum print_state state;
    int64_t asked_ms;
    char why[PRINT_WHY_MAX + 1]; /* the last reason that it isn't printed; not kept in the file */
};

struct print_queue {
    char folder[512];
    bool has_log;
    struct id log;   /* that `through` is of */
    int64_t through; /* events up to this seq have their prints */
    struct print prints[PRINTS_MAX];
    size_t count;
};

/* "waiting", "printing", "unsure" */
const char *print_state_name(enum print_state state);

/*
 * Reads what the folder holds; nothing is fine. A file that can't be read is put aside as
 * prints.bad, since a receipt can be printed again by hand: ERR_CORRUPT tells it, and the queue is
 * usable and empty.
 */
enum err print_queue_load(struct print_queue *queue, const char *folder,
                          struct fault *fault) MUST_CHECK;
/* The file's text to a queue, whose prints are added to; and back. Pure. */
enum err print_queue_read(struct print_queue *queue, struct slice text,
                          struct fault *fault) MUST_CHECK;
void print_queue_write(const struct print_queue *queue, struct buf *out);
enum err print_queue_save(const struct print_queue *queue, struct fault *fault) MUST_CHECK;

/* ERR_BUSY when PRINTS_MAX wait. The print is copied. Not saved yet. */
enum err print_queue_add(struct print_queue *queue, const struct print *print,
                         struct fault *fault) MUST_CHECK;
/* NULL if there is none; valid until the next change. */
struct print *print_queue_find(struct print_queue *queue, const struct id *id);
void print_queue_remove(struct print_queue *queue, const struct id *id);

#endif
