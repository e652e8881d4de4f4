/*
 * The sections of a configuration's settings: which there are, and what those hold that mean the
 * same to the hub and to an appliance. What only the appliance's domain understands (return policy,
 * receipt formats, printer templates, staff) is an object here, and is checked by the appliance
 * before it takes the document. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_CONFIG_SECTION_H
#define SYNC_CONTRACT_CONFIG_SECTION_H

#include "sync/contract/config.h"
#include "sync/contract/release.h"

#define CONFIG_SECTIONS(X)                                                                         \
    X(POLICY, policy)           /* return policy, with its reasons and conditions */               \
    X(SCAN, scan)               /* the retailer's own receipt numbers */                           \
    X(PRINTING, printing)       /* templates of what is printed */                                 \
    X(STAFF, staff)             /* people and roles */                                             \
    X(RETENTION, retention)     /* what an appliance keeps of what the hub has */                  \
    X(LIMITS, limits)           /* times and patience */                                           \
    X(BROKER, broker)           /* where the hub is reached */                                     \
    X(TIME, time)               /* time servers */                                                 \
    X(DIAGNOSTICS, diagnostics) /* how much is told to operators */                                \
    X(FEATURES, features)       /* switches */                                                     \
    X(UPDATES, updates)         /* where the software comes from */

#define CONFIG_SECTION_ENUM(upper, lower) CONFIG_##upper,
enum config_section { CONFIG_SECTIONS(CONFIG_SECTION_ENUM) CONFIG_SECTION_COUNT };

const char *config_section_name(enum config_section section);

/*
 * Checks the settings of a document or of a layer of one: every section known, and right as far as
 * it can be told here. ERR_INVALID with the path ("settings.retention.days").
 */
enum err config_settings_check(struct slice settings, struct fault *fault) MUST_CHECK;
/* The section's bytes; empty when it isn't there. The settings must have been checked. */
struct slice config_section_of(struct slice settings, enum config_section section);

struct config_retention {
    int64_t days; /* 0: no limit of that kind, here and below */
    int64_t events;
    int64_t mib;
    int64_t least_days;
};
struct config_limits {
    int64_t ack_timeout_ms;   /* the hub's, before the link is made anew */
    int64_t state_interval_s; /* between tellings of up/state */
    int64_t session_idle_s;   /* of a person at the counter */
    int64_t session_age_s;
};

enum { CONFIG_URL_MAX = 255, CONFIG_TIME_SERVERS_MAX = 8, CONFIG_WORD_MAX = 32 };

struct config_broker {
    char url[CONFIG_URL_MAX + 1];
    char proxy[CONFIG_URL_MAX + 1]; /* "": none */
    int64_t confirm_s;              /* how long a change of these may take to prove itself */
};
struct config_time {
    char servers[CONFIG_TIME_SERVERS_MAX][CONFIG_URL_MAX + 1];
    size_t count;
};
struct config_diagnostics {
    int level; /* of enum diag_level */
};
struct config_features {
    bool poslog;    /* a legacy till's POSLog is taken */
    bool exchanges; /* a return and a new sale may be linked */
};
struct config_updates {
    char channel[CONFIG_WORD_MAX + 1];
    bool has_release;
    struct release release; /* that the appliance is to run */
};

/*
 * Read one section's bytes over what `out` holds already: the values that stand where the section
 * says nothing. Paths begin below the section's name. Untouched on failure.
 */
enum err config_retention_read(struct slice text, struct config_retention *out,
                               struct fault *fault) MUST_CHECK;
enum err config_limits_read(struct slice text, struct config_limits *out,
                            struct fault *fault) MUST_CHECK;
enum err config_broker_read(struct slice text, struct config_broker *out,
                            struct fault *fault) MUST_CHECK;
enum err config_time_read(struct slice text, struct config_time *out,
                          struct fault *fault) MUST_CHECK;
enum err config_diagnostics_read(struct slice text, struct config_diagnostics *out,
                                 struct fault *fault) MUST_CHECK;
enum err config_features_read(struct slice text, struct config_features *out,
                              struct fault *fault) MUST_CHECK;
enum err config_updates_read(struct slice text, struct config_updates *out,
                             struct fault *fault) MUST_CHECK;

#endif
