/* Python pickles (protocols 2 to 5) as plain data. Nothing is looked up, called or executed: names and calls
 * that the caller knows stay in the result as such; of everything else only the name of its class is kept. */
#ifndef RNCL_NN_PICKLE_H
#define RNCL_NN_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "status.h"

typedef enum rncl_state_pickle_kind {
    RNCL_STATE_PICKLE_NONE,
    RNCL_STATE_PICKLE_BOOL,
    RNCL_STATE_PICKLE_INT,
    RNCL_STATE_PICKLE_FLOAT,
    RNCL_STATE_PICKLE_TEXT, /* str and bytes */
    RNCL_STATE_PICKLE_TUPLE,
    RNCL_STATE_PICKLE_LIST,
    RNCL_STATE_PICKLE_DICT,   /* and collections.OrderedDict */
    RNCL_STATE_PICKLE_GLOBAL, /* a class or function that the caller knows, by name */
    RNCL_STATE_PICKLE_OBJECT, /* any other one, or what it made: its name is in `global`, its contents are not
                                 kept */
    RNCL_STATE_PICKLE_CALL,   /* of a global with arguments */
    RNCL_STATE_PICKLE_PERSISTENT, /* something outside the pickle */
} rncl_state_pickle_kind;

/* Characters of the pickle, no end. */
typedef struct rncl_state_pickle_text {
    const char *characters;
    size_t length;
} rncl_state_pickle_text;

typedef struct rncl_state_pickle_value rncl_state_pickle_value;

/* An element of a tuple, list or dict. */
typedef struct rncl_state_pickle_item {
    const rncl_state_pickle_value *key; /* NULL in tuples and lists */
    const rncl_state_pickle_value *value;
    struct rncl_state_pickle_item *next;
} rncl_state_pickle_item;

struct rncl_state_pickle_value {
    rncl_state_pickle_kind kind;
    union {
        int64_t integer; /* of a bool 0 or 1 */
        double real;
        rncl_state_pickle_text text;
        struct {
            rncl_state_pickle_text module, name;
        } global;
        struct {
            rncl_state_pickle_item *first, *last;
            size_t count;
        } items;
        struct {
            const rncl_state_pickle_value *function, *arguments; /* a global, a tuple */
        } call;
        struct {
            const rncl_state_pickle_value *id, *previous; /* the one that was met before it */
        } persistent;
    };
};

typedef struct rncl_state_pickle {
    const rncl_state_pickle_value *value;      /* what was pickled */
    const rncl_state_pickle_value *persistent; /* the last one that was met; NULL: none */
    size_t size_bytes;                         /* read */
    struct rncl_state_pickle_chunk *chunks;
} rncl_state_pickle;

/* Whether the caller knows what a global means. */
typedef bool rncl_state_pickle_knows(rncl_state_pickle_text module, rncl_state_pickle_text name);

/* Reads the pickle at the beginning of `bytes`, which must outlive it. RNCL_ERR_MODEL. `path` is for
 * messages.
 */
rncl_status rncl_state_pickle_read(const char *path, rncl_contents bytes, rncl_state_pickle_knows *knows,
                                   rncl_state_pickle *out);
/* RNCL_ERR_MODEL: an object stands where weights should be. */
rncl_status rncl_state_pickle_refuse(const char *path, const rncl_state_pickle_value *object);
void rncl_state_pickle_free(rncl_state_pickle *pickle); /* harmless on a zeroed one */

bool rncl_state_pickle_text_is(rncl_state_pickle_text text, const char *word);
/* The value of a dict under a text; NULL if there is none, or `dict` is no dict. */
const rncl_state_pickle_value *rncl_state_pickle_find(const rncl_state_pickle_value *dict, const char *key);
/* Element `index` of a tuple or list; NULL if there is none. */
const rncl_state_pickle_value *rncl_state_pickle_element(const rncl_state_pickle_value *sequence,
                                                         size_t index);
/* A whole number of at least 0. */
bool rncl_state_pickle_size(const rncl_state_pickle_value *value, size_t *size);

#endif
