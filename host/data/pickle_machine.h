/* The inside of a pickle that is being read, for the files that do it. */
#ifndef RNCL_DATA_PICKLE_MACHINE_H
#define RNCL_DATA_PICKLE_MACHINE_H

#include <stdbool.h>

#include "pickle.h"

/* A byte of a file makes at most one value: far more than CIFAR's 150,000, far less than all memory. */
enum { RNCL_PICKLE_MOST_VALUES = 1 << 20 };

/* The things outside a pickle that one may name. */
typedef enum rncl_pickle_name {
    RNCL_PICKLE_ENCODE = 1,
    RNCL_PICKLE_RECONSTRUCT,
    RNCL_PICKLE_FROMBUFFER,
    RNCL_PICKLE_NDARRAY,
    RNCL_PICKLE_DTYPE
} rncl_pickle_name;

/* A value with what only the machine knows of it. */
typedef struct rncl_pickle_cell {
    rncl_pickle_value value;       /* first: both have one address */
    struct rncl_pickle_cell *next; /* of all */
    size_t capacity;               /* of items */
    uint8_t *owned;                /* bytes that are not the file's */
    rncl_pickle_name name;         /* of RNCL_PICKLE_OTHER; 0: a dtype */
} rncl_pickle_cell;

/* An array of values that grows. */
typedef struct rncl_pickle_row {
    rncl_pickle_cell **cells;
    size_t count, capacity;
} rncl_pickle_row;

struct rncl_pickle {
    const uint8_t *at, *end;
    rncl_pickle_row stack, memo;
    rncl_pickle_cell *all, *root;
    size_t values;
    bool stopped;
};

/* On the stack where a group begins. */
extern rncl_pickle_cell rncl_pickle_mark;

/* Whether a text is that one. */
bool rncl_pickle_is(const rncl_pickle_value *value, const char *text);

rncl_status rncl_pickle_truncated(void);
rncl_status rncl_pickle_damaged(void);
rncl_status rncl_pickle_no_memory(void);

/* The next bytes of the file. */
rncl_status rncl_pickle_take_bytes(rncl_pickle *p, size_t count, const uint8_t **bytes);
/* A little-endian number of up to eight bytes. */
rncl_status rncl_pickle_take_number(rncl_pickle *p, size_t width, uint64_t *number);
/* Without its newline. */
rncl_status rncl_pickle_take_line(rncl_pickle *p, const uint8_t **line, size_t *length);

rncl_status rncl_pickle_row_add(rncl_pickle_row *r, rncl_pickle_cell *c);
/* A new value on the stack. */
rncl_status rncl_pickle_push(rncl_pickle *p, rncl_pickle_kind kind, rncl_pickle_cell **out);
/* The value on top of the stack, which is no mark. */
rncl_status rncl_pickle_pop(rncl_pickle *p, rncl_pickle_cell **out);
rncl_status rncl_pickle_top(const rncl_pickle *p, rncl_pickle_cell **out);

/* Operations on names and calls (pickle_call.c); none needs the argument. */
rncl_status rncl_pickle_name_in_lines(rncl_pickle *p, size_t unused);
rncl_status rncl_pickle_name_on_stack(rncl_pickle *p, size_t unused);
rncl_status rncl_pickle_call(rncl_pickle *p, size_t unused);
rncl_status rncl_pickle_build(rncl_pickle *p, size_t unused);

#endif
