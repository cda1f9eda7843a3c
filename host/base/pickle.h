/* Python pickles (protocols 2 to 5) as plain data. Nothing is looked up, called or executed: the reader's
 * rules list the classes and functions that have a meaning and what a call of each becomes; of any other
 * nothing but the name is kept, or it is refused. Memory is proportional to the bytes read. */
#ifndef RNCL_BASE_PICKLE_H
#define RNCL_BASE_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "status.h"

/* ---- rules ---- */

/* What a call of a global becomes. */
typedef enum rncl_pickle_product {
    RNCL_PICKLE_NOT_CALLABLE, /* it may be named, and a call is refused */
    RNCL_PICKLE_MAKE_OBJECT,  /* RNCL_PICKLE_OBJECT, which records the call for the reader to interpret */
    RNCL_PICKLE_MAKE_BYTES,   /* _codecs.encode(text, "latin1"): how Python 3 writes bytes in protocol 2 */
    RNCL_PICKLE_MAKE_DICT,    /* collections.OrderedDict([[key, value], ...]) */
} rncl_pickle_product;

/* A class or function that has a meaning. */
typedef struct rncl_pickle_global {
    const char *module, *name;
    rncl_pickle_product product;
    int meaning; /* the reader's own */
} rncl_pickle_global;

typedef struct rncl_pickle_value rncl_pickle_value;

/* What one kind of file may contain. */
typedef struct rncl_pickle_rules {
    rncl_status failure; /* the status of everything that is refused */
    /* What the user can do, as the ends of messages: about damage, and about what the rules do not allow. */
    const char *damage_advice, *foreign_advice;
    const rncl_pickle_global *globals;
    size_t global_count;
    bool keeps_foreign; /* whether other classes and functions may be named: RNCL_PICKLE_FOREIGN */
    /* Is told each persistent id (a name of something outside the pickle) when it is met; a failure ends
     * reading. NULL: persistent ids are refused. */
    rncl_status (*persistent_id)(void *context, const rncl_pickle_value *id);
    void *context; /* for persistent_id */
} rncl_pickle_rules;

/* ---- values ---- */

typedef enum rncl_pickle_kind {
    RNCL_PICKLE_NONE,
    RNCL_PICKLE_BOOL,
    RNCL_PICKLE_INT,
    RNCL_PICKLE_FLOAT,
    RNCL_PICKLE_TEXT, /* str (in UTF-8), bytes and bytearray */
    RNCL_PICKLE_TUPLE,
    RNCL_PICKLE_LIST,       /* and set */
    RNCL_PICKLE_DICT,       /* and collections.OrderedDict */
    RNCL_PICKLE_GLOBAL,     /* a class or function of the rules */
    RNCL_PICKLE_FOREIGN,    /* any other one, or what it made, without its contents */
    RNCL_PICKLE_OBJECT,     /* a recorded call */
    RNCL_PICKLE_PERSISTENT, /* something outside the pickle */
} rncl_pickle_kind;

/* Not terminated by a zero. */
typedef struct rncl_pickle_text {
    const char *characters;
    size_t length;
} rncl_pickle_text;

/* An element of a tuple, list or dict. */
typedef struct rncl_pickle_item {
    const rncl_pickle_value *key; /* NULL in tuples and lists */
    const rncl_pickle_value *value;
    struct rncl_pickle_item *next;
} rncl_pickle_item;

/* A list can hold itself, and nesting is as deep as the input is long: walk values without recursion. Tuples
 * hold only what was made before them. */
struct rncl_pickle_value {
    rncl_pickle_kind kind;
    union {
        int64_t integer; /* of a bool 0 or 1 */
        double real;
        rncl_pickle_text text;
        struct {
            rncl_pickle_item *first, *last;
            size_t count;
        } items;
        const rncl_pickle_global *global; /* the row of the rules */
        struct {
            const rncl_pickle_global *function;
            const rncl_pickle_value *arguments; /* a tuple */
            const rncl_pickle_value *state;     /* what __setstate__ would get; NULL: none */
        } object;
        struct {
            rncl_pickle_text module, name;
        } foreign;
        const rncl_pickle_value *persistent_id;
    };
};

/* ---- reading ---- */

typedef struct rncl_pickle {
    const rncl_pickle_value *value; /* what was pickled */
    size_t size_bytes;              /* of the pickle; others may follow it */
    struct rncl_pickle_chunk *chunks;
    struct rncl_pickle_bytes *bytes;
} rncl_pickle;

/* Reads the pickle at the beginning of `bytes`, which must outlive it. `path` is for messages. Fails with
 * rules->failure, or RNCL_ERR_MEMORY. */
rncl_status rncl_pickle_read(const char *path, rncl_contents bytes, const rncl_pickle_rules *rules,
                             rncl_pickle *out);
/* rules->failure: something foreign stands where plain data should. */
rncl_status rncl_pickle_refuse_foreign(const char *path, const rncl_pickle_rules *rules,
                                       const rncl_pickle_value *foreign);
void rncl_pickle_free(rncl_pickle *pickle); /* harmless on a zeroed one */

/* ---- looking at values (pickle_value.c); each takes a value of any kind, or NULL ---- */

bool rncl_pickle_is_text(const rncl_pickle_value *value, const char *text);
/* The value of a dict under a text, the last one if it comes several times; NULL if there is none. */
const rncl_pickle_value *rncl_pickle_find(const rncl_pickle_value *dict, const char *key);
/* Element `index` of a tuple or list; NULL if there is none. */
const rncl_pickle_value *rncl_pickle_element(const rncl_pickle_value *sequence, size_t index);
/* Whether it is a whole number of at least 0. */
bool rncl_pickle_size(const rncl_pickle_value *value, size_t *size);

/* For messages: the beginning of a text, terminated, or "?" if it has control characters. Returns `shown`. */
enum { RNCL_PICKLE_SHOWN_BYTES = 48 };
const char *rncl_pickle_show(rncl_pickle_text text, char shown[RNCL_PICKLE_SHOWN_BYTES]);

#endif
