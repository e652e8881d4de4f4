/*
 * What stands behind hal/database.h: SQLite, or PostgreSQL. Only for hal/database*.c. Threads as in
 * hal/database.h.
 */
#ifndef HAL_DATABASE_BACKEND_H
#define HAL_DATABASE_BACKEND_H

#include "hal/database.h"

struct database {
    const struct database_backend *backend;
    const char *vfs;
    bool read_only;
    int cache_kib;
    void *native;      /* the backend's connection */
    int64_t wal_pages; /* SQLite's, where checkpoints are made by hand */
    struct database_statements *own;
    struct database_statements *sets; /* every set, `own` among them */
};

struct statement {
    struct database *db;
    void *native; /* the backend's; NULL: not prepared yet */
};

enum database_move {
    DATABASE_BEGIN,
    DATABASE_COMMIT,
    DATABASE_SAVEPOINT,
    DATABASE_RELEASE,
    DATABASE_ROLLBACK_SAVEPOINT,
};

/* Each as the function of hal/database.h of that name, unless it says more. */
struct statement_backend {
    /* `kept`: it will be used again and again. Sets s->native. */
    enum err (*prepare)(struct statement *s, const char *sql, bool kept, struct fault *fault);
    /* Whether the database understands it, where `prepare` doesn't ask yet; else NULL. */
    enum err (*check)(struct statement *s, struct fault *fault);
    void (*finalize)(struct statement *s); /* s->native is NULL then; takes unprepared ones */
    enum err (*step)(struct statement *s, bool *row, struct fault *fault);
    /* Doesn't wait, and leaves it reset; NULL: there is nothing to wait for. */
    enum err (*send)(struct statement *s, struct fault *fault);
    /* The same, and may put it together with others of the same statement; NULL: as `send`. */
    enum err (*send_row)(struct statement *s, struct fault *fault);
    /* NULL: there is nothing to wait for. */
    enum err (*ask)(struct statement *s, struct fault *fault);
    void (*reset)(struct statement *s);
    void (*unbind)(struct statement *s);
    int (*parameters)(struct statement *s);
    void (*bind_int)(struct statement *s, int position, int64_t value);
    void (*bind_text)(struct statement *s, int position, struct slice text);
    void (*bind_blob)(struct statement *s, int position, struct slice bytes);
    void (*bind_null)(struct statement *s, int position);
    void (*bind_column)(struct statement *s, int position, struct statement *row, int column);
    int (*column_count)(struct statement *s);
    const char *(*column_name)(struct statement *s, int column);
    enum column_kind (*column_kind)(struct statement *s, int column);
    int64_t (*column_int)(struct statement *s, int column);
    const char *(*column_text)(struct statement *s, int column);
    struct slice (*column_slice)(struct statement *s, int column);
};

struct database_backend {
    enum err (*open)(struct database *db, const struct database_config *config,
                     struct fault *fault);
    void (*close)(struct database *db); /* its statements are gone; half-built ones too */
    enum err (*script)(struct database *db, const char *sql, struct fault *fault);
    enum err (*move)(struct database *db, enum database_move move, struct fault *fault);
    void (*rollback)(struct database *db);
    void (*reset_all)(struct database *db);
    int64_t (*changes)(struct database *db);
    enum err (*read_version)(struct database *db, int64_t *version, struct fault *fault);
    enum err (*write_version)(struct database *db, size_t version, struct fault *fault);
    /* The oldest version whose programs may go on with this one's schema, 0: none; NULL: never. */
    enum err (*read_oldest)(struct database *db, int64_t *version, struct fault *fault);
    const char *(*name)(struct database *db);         /* for people */
    unsigned (*connected)(const struct database *db); /* or NULL */
    enum err (*lead)(struct database *db, const char *matter, bool *leads,
                     struct fault *fault); /* or NULL */
    enum err (*place)(struct database *db, char place[static DATABASE_PLACE_MAX],
                      struct fault *fault);                      /* or NULL */
    enum err (*hurry)(struct database *db, struct fault *fault); /* or NULL */
    const struct statement_backend *statements;
};

/* Finalises all statements of the sets; they are prepared anew at their next use. */
void database_forget_prepared(struct database *db);

extern const struct database_backend database_sqlite;

#endif
