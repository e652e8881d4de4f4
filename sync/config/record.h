/*
 * What stands on the appliance's disk about its configuration: a folder of its own with
 *
 *     record.json   what was seen last and what became of it, and what is in force
 *     <version>.json  the documents that it names, byte for byte
 *
 * The record is replaced as a whole after the documents it names are there: a power cut leaves the
 * old one or the new one. Every call blocks on the disk; one writer at a time.
 */
#ifndef SYNC_CONFIG_RECORD_H
#define SYNC_CONFIG_RECORD_H

#include "sync/contract/config_report.h"

/* Between PENDING_CONFIRM and its end. Wall times, as the clock said. */
struct record_trial {
    int64_t began_ms;
    int64_t until_ms;
    int64_t starts; /* of the program since it began */
};

struct record {
    struct config_report report; /* its drift is empty here */
    struct record_trial trial;   /* only in state PENDING_CONFIRM */
};

/* A folder without a record, or with one that can't be read, gives an empty one. */
enum err record_load(const char *folder, struct record *record, struct fault *fault) MUST_CHECK;
/*
 * Makes the folder if need be. `document` is report.version's, when it is new here; else empty.
 * Documents that the record doesn't name any more are removed.
 */
enum err record_save(const char *folder, const struct record *record, struct slice document,
                     struct fault *fault) MUST_CHECK;
/* Appends the document; ERR_NOT_FOUND, and ERR_CORRUPT when it isn't the one of that hash. */
enum err record_document(const char *folder, int64_t version, const struct sha256 *hash,
                         struct buf *text, struct fault *fault) MUST_CHECK;

#endif
