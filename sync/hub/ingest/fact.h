/*
 * One event at the hub: stored once as the exact bytes that came, with what others search by, or
 * parked alone with the reason. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_FACT_H
#define SYNC_HUB_INGEST_FACT_H

#include "sync/hub/ingest/reading.h"
#include "sync/hub/ingest/stream_log.h"

/* Where it came from. */
struct fact_place {
    const struct stream_log *log;
    int64_t seq;
    int64_t received_ms;
    const char *device; /* whose event it is, when not the log's; NULL otherwise */
    bool recalled;      /* what was here is damaged or lost: it is written again */
    int64_t event_no;   /* ... under this number; 0: under any */
};

struct fact_stored {
    int64_t event_no;
    bool fresh;   /* the hub had never seen it */
    bool parked;  /* ... and it was parked */
    bool created; /* it created its return, whom fact_index_return must file next */
};

/* What one fact has shown for those that follow inside the same transaction; {0} at first. */
struct fact_memory {
    int64_t last_no; /* of all events; 0: not looked up yet */
    bool unseen;     /* the caller has seen that no event of the next one's id is here */
    bool asked;      /* the caller has asked ahead whether it is (fact_ask): look at that first */
    struct id owned; /* a return of which no other device has told */
};

/*
 * Asks a server ahead what fact_store will want to know of these, so that it waits once for all of
 * them, and sets memory->asked.
 */
enum err fact_ask(struct database *db, const char *device, const struct reading *readings,
                  size_t count, struct fact_memory *memory, struct fault *fault) MUST_CHECK;
/* The reading is parked here if the event may not come from there. */
enum err fact_store(struct database *db, const struct fact_place *place, struct fact_memory *memory,
                    struct reading *reading, struct fact_stored *stored,
                    struct fault *fault) MUST_CHECK;
/* What people find a return by. `reading` is of the event that created it. */
enum err fact_index_return(struct database *db, const char *device, const struct reading *reading,
                           int64_t event_no, struct fault *fault) MUST_CHECK;

#endif
