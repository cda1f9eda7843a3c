/* The state of a pickle that is being read, for the files that do it: pickle.c (the instructions),
 * pickle_call.c (names and calls) and pickle_machine.c (input, memory and stack). */
#ifndef RNCL_BASE_PICKLE_MACHINE_H
#define RNCL_BASE_PICKLE_MACHINE_H

#include "pickle.h"

enum {
    /* Values and items together. CIFAR-100 has 300,000; the checkpoint of a deep network with its optimiser
     * 100,000. */
    RNCL_PICKLE_MOST_VALUES = 1 << 20,
    /* Marks on the stack. Python's own pickler stops at a nesting of some hundreds. */
    RNCL_PICKLE_MOST_MARKS = 1000,
    /* A byte of input can make a value and the item that holds it; OrderedDict makes its items once more. */
    RNCL_PICKLE_MOST_VALUES_A_BYTE = 4,
};

/* A growing array of pointers to values. */
typedef struct rncl_pickle_row {
    rncl_pickle_value **values;
    size_t count, room;
} rncl_pickle_row;

typedef struct rncl_pickle_machine {
    const char *path;
    const rncl_pickle_rules *rules;
    const unsigned char *start, *next, *end;
    rncl_pickle *pickle;
    size_t cells;         /* values and items made so far */
    size_t decoded_bytes; /* made by RNCL_PICKLE_MAKE_BYTES so far */
    size_t marks;         /* on the stack */
    rncl_pickle_row stack, memo;
} rncl_pickle_machine;

/* On the stack where the elements of a container begin. */
extern rncl_pickle_value rncl_pickle_mark;

/* Records a message: `what` is damaged, at this byte. */
void rncl_pickle_describe_damage(const rncl_pickle_machine *m, const char *what);

/* RNCL_ERR_DATA stands for rules->failure inside the machine; a constant, so that compilers see that it is a
 * failure. */
static inline rncl_status rncl_pickle_refuse(const rncl_pickle_machine *m, const char *what)
{
    rncl_pickle_describe_damage(m, what);
    return RNCL_ERR_DATA;
}

/* Input. Numbers have up to eight bytes, little-endian, without a sign; a text follows its length, which is a
 * number of `length_bytes`; a line comes without its newline. */
rncl_status rncl_pickle_take(rncl_pickle_machine *m, uint64_t size, const unsigned char **bytes);
rncl_status rncl_pickle_take_number(rncl_pickle_machine *m, size_t size_bytes, uint64_t *number);
rncl_status rncl_pickle_take_text(rncl_pickle_machine *m, size_t length_bytes, rncl_pickle_text *text);
rncl_status rncl_pickle_take_line(rncl_pickle_machine *m, rncl_pickle_text *line);

/* Memory, which the pickle owns. */
rncl_status rncl_pickle_make(rncl_pickle_machine *m, rncl_pickle_value value, rncl_pickle_value **out);
rncl_status rncl_pickle_allocate(rncl_pickle_machine *m, size_t size, char **out);
/* Adds to a tuple, list (key: NULL) or dict. */
rncl_status rncl_pickle_append(rncl_pickle_machine *m, rncl_pickle_value *to, const rncl_pickle_value *key,
                               const rncl_pickle_value *value);

/* The stack and the memo. `top` and `pop` give a value, never the mark. */
rncl_status rncl_pickle_push(rncl_pickle_machine *m, rncl_pickle_value *value);
rncl_status rncl_pickle_push_new(rncl_pickle_machine *m, rncl_pickle_value value);
rncl_status rncl_pickle_top(const rncl_pickle_machine *m, rncl_pickle_value **out);
rncl_status rncl_pickle_pop(rncl_pickle_machine *m, rncl_pickle_value **out);
rncl_status rncl_pickle_memoize(rncl_pickle_machine *m, uint64_t index);

/* Instructions of pickle_call.c. */
rncl_status rncl_pickle_global_of_lines(rncl_pickle_machine *m, size_t unused);
rncl_status rncl_pickle_global_of_stack(rncl_pickle_machine *m, size_t unused);
rncl_status rncl_pickle_call(rncl_pickle_machine *m, size_t unused);
/* With a dict of arguments by name, which is dropped. */
rncl_status rncl_pickle_call_with_names(rncl_pickle_machine *m, size_t unused);
rncl_status rncl_pickle_set_state(rncl_pickle_machine *m, size_t unused);

#endif
