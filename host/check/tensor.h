/* The tensors of a trial: on the host in floats and in doubles for the reference, on the device between
 * guard words. */
#ifndef RNCL_CHECK_TENSOR_H
#define RNCL_CHECK_TENSOR_H

#include "context.h"
#include "random.h"

/* How an operation uses a tensor. */
typedef enum check_role {
    CHECK_ABSENT,
    CHECK_INPUT,    /* reads it; must leave it as it is */
    CHECK_CONSUMED, /* reads it; may overwrite it */
    CHECK_OUTPUT,   /* writes all of it */
    CHECK_UPDATED,  /* reads and writes it */
    CHECK_ADDED,    /* adds its result to the contents */
    CHECK_SCRATCH,  /* writes before it reads; its contents are not checked */
} check_role;

typedef enum check_phase { CHECK_FORWARD, CHECK_BACKWARD } check_phase;

/* Faults other than wrong values, as bits. */
typedef enum check_fault {
    CHECK_OUTSIDE = 1,   /* guard words before or after it were overwritten */
    CHECK_CHANGED = 2,   /* it was changed by a pass that must not change it */
    CHECK_DIFFERENT = 4, /* two runs gave different bits */
} check_fault;

typedef struct check_tensor {
    check_role role;
    check_phase phase; /* phase in which it gets its final contents */
    bool integers;     /* int32 instead of float */
    bool elements;     /* 2 bytes a value, of `type`; expected values are rounded as these */
    rncl_element type;
    bool root;                   /* must not be a sub-buffer: has no guard before it */
    bool dead;                   /* backward must not read it: poisoned between the phases */
    struct check_tensor *shares; /* uses this tensor's buffer; NULL: has its own */
    size_t size_bytes;
    unsigned salt;          /* below 64; different for each tensor of a trial */
    double length, typical; /* of results: rncl_spec_sum.terms and typical */
    double rounding;        /* of results: rncl_pass_rounding of their pass */
    bool exact;             /* of results: every bit must be right */
    void *initial;          /* initial contents on the device */
    void *results[2];       /* contents after each of two runs */
    double *reference;      /* inputs and expected outputs */
    unsigned faults;        /* CHECK_… */
    cl_mem whole;           /* guard, tensor, guard */
    cl_mem buffer;          /* the tensor itself; a tensor that it shares must be created first */
} check_tensor;

size_t check_tensor_count(const check_tensor *tensor); /* number of values */

/* Whether the reference computes its expected contents. */
bool check_tensor_is_result(const check_tensor *tensor);

/* Allocates on host and device. */
rncl_status check_tensor_create(rncl_context *context, check_tensor *tensor);
void check_tensor_destroy(check_tensor *tensor); /* takes half-built and absent ones */

/* A value of contents of the tensor. */
double check_tensor_value(const check_tensor *tensor, const void *values, size_t index);

/* Sets a value of an input, for the device and the reference. */
void check_tensor_set(check_tensor *tensor, size_t index, double value);

/* Rounds the reference to elements. */
void check_tensor_round(check_tensor *tensor);

/* Resets the reference to the initial values; does nothing to an absent tensor. */
void check_tensor_reset(check_tensor *tensor);

/* Fills inputs with random small integers or normal numbers, and tensors that must be written first with
 * NaN. */
void check_tensor_fill(check_tensor *tensor, rncl_random *random, bool integers);

/* Uploads the initial contents and new guards. */
rncl_status check_tensor_upload(rncl_context *context, check_tensor *tensor);
/* Overwrites it with NaN. */
rncl_status check_tensor_poison(rncl_context *context, check_tensor *tensor);
rncl_status check_tensor_download(rncl_context *context, check_tensor *tensor, int run);
/* After the last phase: records faults if guards, or contents that must not change, have changed. */
rncl_status check_tensor_inspect(rncl_context *context, check_tensor *tensor, int run, check_phase last);

/* Relative L2 error of the first run, values aside that are NaN in the reference and in the run;
 * RNCL_CHECK_BROKEN where it is not a number. */
double check_tensor_error(const check_tensor *tensor);

#endif
