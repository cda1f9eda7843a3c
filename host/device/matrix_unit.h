/* Matrix units: which one a device has, found by trying it, and the precision that the user allows. */
#ifndef RNCL_DEVICE_MATRIX_UNIT_H
#define RNCL_DEVICE_MATRIX_UNIT_H

#include <stdbool.h>

#include "element.h"

/* How the operands of convolutions may be rounded, and how tensors are stored. Sums are float32 in any case,
 * and so are parameters. */
typedef enum rncl_precision {
    RNCL_PRECISION_FP32,         /* as float32 */
    RNCL_PRECISION_TF32,         /* to 11 bits of mantissa, or more */
    RNCL_PRECISION_BF16,         /* to bfloat16, or more */
    RNCL_PRECISION_BF16_TENSORS, /* activations and their gradients are stored as bfloat16 */
    RNCL_PRECISION_FP16_TENSORS, /* the same as half, with a scaled loss */
    RNCL_PRECISIONS
} rncl_precision;

/* Sizes and numbers of a unit; see kernels/conv/mma_unit.clh. A unit of one lane is a CPU's instruction for
 * pairs of bfloat16 (kernels/conv/pairs.clh). */
typedef struct rncl_matrix_unit {
    int id; /* RNCL_UNIT_… */
    const char *name;
    rncl_precision rounds_to; /* what it rounds operands to */
    int lanes;                /* work-items of a sub-group */
    int m, n, words, pack;    /* of its fragments */
    /* Whether the tiles in local memory run along the depth; -1: as the tensors do. */
    int left_along, right_along;
} rncl_matrix_unit;

/* What is known of a context's units. */
typedef struct rncl_matrix_state {
    bool known;                   /* they have been looked for */
    const rncl_matrix_unit *unit; /* for the context's precision; NULL: none that works */
    bool emulated;
} rncl_matrix_state;

struct rncl_context;

/* Sets the context's precision, before anything is planned. Where the device has no unit for it, or no
 * kernels for such tensors, says so in the log and stays with float32: a precision allows rounding, it does
 * not demand it. Tensors of half are for GPUs that have half and no products of bfloat16, which needs no
 * scaled loss. */
void rncl_precision_request(struct rncl_context *context, rncl_precision precision);

/* The unit for the context's precision, or NULL. On the first call it is looked for: where the device's
 * family or the CPU has one, a small kernel is built and one product compared with the host's. A unit whose
 * kernel does not build or computes wrongly is said once in the log, remembered beside the compiled programs
 * until the driver or the kernel changes, and is no error. A probe that fails otherwise, say for want of
 * memory, says nothing about the unit: this context goes on without it, with a warning, since results then
 * round differently. All units of GPUs that serve float32 serve every precision of floats; those of CPUs, and
 * those of bfloat16, serve tensors of bfloat16.
 *
 * RNCL_MATRIX_UNIT=off: none is used. RNCL_MATRIX_UNIT=NAME, a unit's name: that unit is emulated, slowly, on
 * any device; for tests. */
const rncl_matrix_unit *rncl_matrix_unit_of(struct rncl_context *context);

/* Emulates the unit of that name in this context, if the emulation passes the probe. False if it does not, if
 * there is no such unit, or none for the context's precision. */
bool rncl_matrix_unit_emulate(struct rncl_context *context, const char *name);

/* The index-th unit of the table; NULL behind the last. */
const rncl_matrix_unit *rncl_matrix_unit_at(int index);

/* Whether the unit may be used where that precision is asked for. */
bool rncl_matrix_unit_serves(const rncl_matrix_unit *unit, rncl_precision precision);

/* How many products of the unit make one of that precision: 3 for float32 from TF32 (Ootomo and Yokota 2022).
 */
int rncl_matrix_unit_products(const rncl_matrix_unit *unit, rncl_precision precision);

/* The largest relative error of a rounded operand or element; 0 for float32. */
double rncl_precision_rounding(rncl_precision precision);

/* The -D options of the unit, as kernels/conv/mma_unit.clh takes them. */
enum { RNCL_MATRIX_OPTIONS = 112 };
void rncl_matrix_unit_options(const struct rncl_context *context, const rncl_matrix_unit *unit,
                              char options[RNCL_MATRIX_OPTIONS]);

/* Whether activations and their gradients are stored in 2 bytes, and as what. */
bool rncl_precision_is_narrow(rncl_precision precision);
rncl_element rncl_precision_element(rncl_precision precision);

/* "fp32", "tf32", "bf16-operands", "bf16", "fp16". */
const char *rncl_precision_name(rncl_precision precision);

#endif
