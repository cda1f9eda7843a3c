/* The tensors of a trial: on the host as the device and as the reference see them, on the device between
 * guard words. */
#ifndef RNCL_CHECK_TENSOR_H
#define RNCL_CHECK_TENSOR_H

#include "context.h"
#include "random.h"

/* What an operation does with a tensor. */
typedef enum check_role {
    CHECK_ABSENT,
    CHECK_INPUT,    /* reads it; must leave it as it is */
    CHECK_CONSUMED, /* reads it; may overwrite it */
    CHECK_OUTPUT,   /* writes all of it */
    CHECK_UPDATED,  /* reads and writes it */
    CHECK_ADDED,    /* adds its result to what is there */
    CHECK_SCRATCH,  /* writes before it reads; nobody looks at it */
} check_role;

typedef enum check_phase { CHECK_FORWARD, CHECK_BACKWARD } check_phase;

/* What can be wrong beside the values. */
typedef enum check_fault {
    CHECK_OUTSIDE = 1,   /* the guard words before or behind it were overwritten */
    CHECK_CHANGED = 2,   /* it was overwritten by a pass that may not */
    CHECK_DIFFERENT = 4, /* two runs gave different bits */
} check_fault;

typedef struct check_tensor {
    check_role role;
    check_phase phase;           /* in which it gets its final contents */
    bool integers;               /* int32 instead of float */
    bool root;                   /* must not be a sub-buffer: has no guard before it */
    bool dead;                   /* backward must not need it: poisoned between the phases */
    struct check_tensor *shares; /* lies in this tensor's buffer; NULL: has its own */
    size_t size_bytes;
    unsigned salt;          /* below 64; another in each tensor of a trial */
    double length, typical; /* of results: rncl_spec_sum.terms and typical */
    bool exact;             /* of results: must be right to the last bit */
    void *initial;          /* what the device starts from */
    void *results[2];       /* what two runs have made of that */
    double *reference;      /* inputs and expected outputs */
    unsigned faults;        /* CHECK_… */
    cl_mem whole;           /* guard, tensor, guard */
    cl_mem buffer;          /* the tensor; what it shares must be created before it */
} check_tensor;

size_t check_tensor_count(const check_tensor *tensor); /* of its 32-bit values */

/* Whether the reference knows what the device should make of it. */
bool check_tensor_is_result(const check_tensor *tensor);

/* Takes memory on host and device. */
rncl_status check_tensor_create(rncl_context *context, check_tensor *tensor);
void check_tensor_destroy(check_tensor *tensor); /* takes half-built and absent ones */

/* Sets a value of an input, for device and reference alike. */
void check_tensor_set(check_tensor *tensor, size_t index, double value);

/* Gives the reference its initial values back; does nothing to an absent tensor. */
void check_tensor_reset(check_tensor *tensor);

/* Random inputs, small integers or normal numbers; NaN in everything that has to be written first. */
void check_tensor_fill(check_tensor *tensor, rncl_random *random, bool integers);

/* The initial contents between fresh guards. */
rncl_status check_tensor_upload(rncl_context *context, check_tensor *tensor);
/* NaN over all of it. */
rncl_status check_tensor_poison(rncl_context *context, check_tensor *tensor);
rncl_status check_tensor_download(rncl_context *context, check_tensor *tensor, int run);
/* After the last phase: are the guards intact, and what nobody may have changed since? */
rncl_status check_tensor_inspect(rncl_context *context, check_tensor *tensor, int run, check_phase last);

/* Relative L2 error of the first run, values aside that are NaN in the reference and in the run;
 * RNCL_CHECK_BROKEN where it is not a number. */
double check_tensor_error(const check_tensor *tensor);

#endif
