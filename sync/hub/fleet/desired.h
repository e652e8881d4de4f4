/*
 * What each appliance is to be: layers of settings put by people, rendered to one whole document
 * for it, signed, and kept until the next. Layers are merged in this order, each over those before
 * it: fleet, group/NAME in the order of their names, store/NUMBER, device/ID.
 *
 * Inside the caller's transaction; blocks on the database.
 */
#ifndef SYNC_HUB_FLEET_DESIRED_H
#define SYNC_HUB_FLEET_DESIRED_H

#include "hal/base/jsonw.h"
#include "hal/database.h"
#include "sync/contract/config_report.h"
#include "sync/hub/fleet/scope.h"
#include "sync/hub/fleet/signer.h"

struct desired;

/* On a handle; lives as long as it. */
enum err desired_open(struct desired **desired, struct database *db,
                      struct fault *fault) MUST_CHECK;
void desired_close(struct desired *desired);    /* takes NULL */
void desired_cleanup(struct desired **desired); /* for CLEANUP */

/* --- Layers ---------------------------------------------------------------------------------- */

struct layer_change {
    const char *scope;
    struct slice settings; /* merge patch; checked here, with errors by path */
    const char *holder;
    const char *reason;
    int64_t now_ms;
};
/*
 * Puts a layer; nothing is sent by that. Of what is rendered with it for any appliance, only what
 * the contract knows can be checked here.
 */
enum err desired_put_layer(struct desired *desired, const struct layer_change *change,
                           int64_t *change_no, struct fault *fault) MUST_CHECK;
/* How many appliances a scope has, those that are invited and not there yet among them. */
enum err desired_expected(struct desired *desired, const char *scope, int64_t *appliances,
                          struct fault *fault) MUST_CHECK;
enum err desired_last_change(struct desired *desired, int64_t *change_no,
                             struct fault *fault) MUST_CHECK;
/* The layer as it stands; "{}" when there is none. */
enum err desired_layer(struct desired *desired, const char *scope, struct buf *settings,
                       struct fault *fault) MUST_CHECK;
/* Appends the settings of a device as of a change. */
enum err desired_render(struct desired *desired, const char *device, int64_t change_no,
                        struct buf *settings, struct fault *fault) MUST_CHECK;
/* The newest change that was rolled out to the end over the device; 0: none. */
enum err desired_released(struct desired *desired, const char *device, int64_t *change_no,
                          struct fault *fault) MUST_CHECK;

enum err desired_group(struct desired *desired, const char *group, const char *device, bool in,
                       struct fault *fault) MUST_CHECK;

/*
 * A device that replaces another gets into its groups. The other's own layers need no copy: they
 * hold for the new device too, below its own.
 */
enum err desired_inherit(struct desired *desired, const char *device, const char *of,
                         struct fault *fault) MUST_CHECK;

typedef enum err desired_visit(void *context, const char *device, bool online, struct fault *fault);
/* The appliances of a scope that this hub has heard of and that are in service. */
enum err desired_each(struct desired *desired, const char *scope, desired_visit *visit,
                      void *context, struct fault *fault) MUST_CHECK;

/* --- Documents ------------------------------------------------------------------------------- */

struct desired_document {
    int64_t version; /* 0: the device has none */
    int64_t change_no;
    int64_t rollout_no;
    struct buf settings;
    struct buf envelope;
};
void desired_document_free(struct desired_document *document);

enum err desired_find(struct desired *desired, const char *device,
                      struct desired_document *document, struct fault *fault) MUST_CHECK;

struct desired_order {
    const char *device;
    int64_t change_no;
    int64_t rollout_no;
    int64_t now_ms;
};
/*
 * Renders, numbers above all that the device has seen, signs and keeps; fills `document`.
 * ERR_INVALID with the path when what comes out of the layers isn't a valid configuration.
 */
enum err desired_make(struct desired *desired, const struct desired_order *order,
                      const struct signer *signer, struct desired_document *document,
                      struct fault *fault) MUST_CHECK;
/* One device's document that is due to be sent once more, oldest first. */
typedef void desired_send(void *context, const char *device, struct slice envelope);
enum err desired_unheard(struct desired *desired, int64_t sent_before_ms, int64_t now_ms,
                         int64_t max, desired_send *send, void *context,
                         struct fault *fault) MUST_CHECK;

/* --- Reports --------------------------------------------------------------------------------- */

/*
 * Takes a report. `document` is what the device must be sent, if anything: a higher version when it
 * has seen the present one's number, the released one when it has none.
 */
enum err desired_report(struct desired *desired, const char *device,
                        const struct config_report *report, const struct signer *signer,
                        int64_t now_ms, struct desired_document *document,
                        struct fault *fault) MUST_CHECK;
/* Writes how a device stands as members of the open object: "config". */
enum err desired_write(struct desired *desired, const char *device, struct jsonw *w,
                       struct fault *fault) MUST_CHECK;
/* Writes how the fleet stands, as members of the open object. */
enum err desired_write_counts(struct desired *desired, struct jsonw *w,
                              struct fault *fault) MUST_CHECK;
/* Writes changes below `before`, newest first, as items; `scope` "" takes all. */
enum err desired_write_changes(struct desired *desired, const char *scope, int64_t before,
                               int64_t max, struct jsonw *w, struct fault *fault) MUST_CHECK;

#endif
