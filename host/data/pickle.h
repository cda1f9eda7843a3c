/* Reads Python's pickles (protocols 2 to 5) of plain data: dictionaries, lists, tuples, texts, whole numbers,
 * and numpy's arrays of bytes. Nothing is executed: of all that a pickle may call, only what makes such an
 * array or a byte string is known, and done here; everything else is refused. */
#ifndef RNCL_DATA_PICKLE_H
#define RNCL_DATA_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

typedef enum rncl_pickle_kind {
    RNCL_PICKLE_NONE,
    RNCL_PICKLE_NUMBER, /* and False and True, as 0 and 1 */
    RNCL_PICKLE_TEXT,   /* bytes, or text in UTF-8 */
    RNCL_PICKLE_LIST,   /* and tuples */
    RNCL_PICKLE_DICT,
    RNCL_PICKLE_ARRAY, /* of unsigned bytes, row by row */
    RNCL_PICKLE_OTHER, /* a name, a type: nothing for users of this */
} rncl_pickle_kind;

typedef struct rncl_pickle_value {
    rncl_pickle_kind kind;
    int64_t number;
    const uint8_t *bytes; /* of texts and arrays */
    size_t size;
    struct rncl_pickle_value **items; /* of lists, and of dictionaries: keys and values in turn */
    size_t count;
} rncl_pickle_value;

typedef struct rncl_pickle rncl_pickle;

/* `bytes` outlive the pickle. RNCL_ERR_DATA, without the file's name, if it is truncated, or not of this
 * kind; RNCL_ERR_MEMORY. */
rncl_status rncl_pickle_read(const void *bytes, size_t size, rncl_pickle **out);
void rncl_pickle_destroy(rncl_pickle *pickle); /* takes NULL */

/* The value that was pickled; owned by the pickle. */
const rncl_pickle_value *rncl_pickle_root(const rncl_pickle *pickle);

/* The value of a dictionary's key if it is of that kind; NULL: there is none. */
const rncl_pickle_value *rncl_pickle_find(const rncl_pickle_value *dict, const char *key,
                                          rncl_pickle_kind kind);

#endif
